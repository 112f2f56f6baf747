"""Mutants of names and time servers: which lines count, and what differs from the topology."""

from tests.verify.mutants.mutant import mutant

NAME_MUTANTS = (
    mutant(
        "a comment has no names",
        "reading.formats.hosts:_read_lines",
        "line.partition('#')[0].split()",
        "line.split()",
        "test_a_name_stands_for_what_the_topology_says[a-comment]",
    ),
    mutant(
        "::1 is 127.0.0.1",
        "reading.formats.hosts:_parse_address",
        "text == '::1'",
        "False",
        "test_a_name_stands_for_what_the_topology_says[itself]",
    ),
    mutant(
        "our file stands behind the other",
        "reading.formats.hosts:read_hosts",
        "path in files",
        "path in files and path != HOSTS[1]",
        "test_a_name_stands_for_what_the_topology_says[in-our-file]",
    ),
    mutant(
        "a name may have several addresses",
        "proof.names_and_time:_mistaken",
        "line.ip not in expected",
        "expected != {line.ip}",
        "test_a_name_stands_for_what_the_topology_says[another-address-that-is-right]",
    ),
    mutant(
        "a name that is nowhere is lacking",
        "proof.names_and_time:_differences",
        "name not in met",
        "False",
        "test_a_name_stands_for_what_the_topology_says[no-file]",
    ),
    mutant(
        "chronyd reads what its file includes",
        "reading.formats.time_servers:read_time_sources",
        "[_CHRONY]",
        "sorted(path for path in files if 'chrony' in path)",
        "test_chrony_asks_what_the_topology_says[not-included]",
    ),
    mutant(
        "letters of directives may be large",
        "reading.formats.time_servers:_chrony",
        "word.lower()",
        "word",
        "test_chrony_asks_what_the_topology_says[included]",
    ),
    mutant(
        "each system has its program",
        "proof.names_and_time:check_time_servers",
        "one.program == program",
        "True",
        "test_chrony_asks_what_the_topology_says[of-another-program]",
    ),
    mutant(
        "a file of the user's may have more servers",
        "proof.names_and_time:check_time_servers",
        "one.path.endswith(OUR_FILES)",
        "True",
        "test_chrony_asks_what_the_topology_says[as-it-is]",
    ),
    mutant(
        "an empty NTP= takes servers away",
        "reading.formats.time_servers:_timesyncd",
        "found if servers else []",
        "found",
        "test_timesyncd_asks_what_the_topology_says[taken-away]",
    ),
    mutant(
        "the answer of a server has to come back",
        "proof.asked_servers:_ask",
        "worst(recall(network, memory, packet, Place(kind='machine', machine=machine), nat_allowed=True))",
        "next((one for one in recall(network, memory, packet, Place(kind='machine', machine=machine), nat_allowed=True)"
        " if not one.back), None)",
        "test_a_server_that_is_not_reached_is_a_warning[no-answer]",
    ),
    mutant(
        "name servers have a port of their own",
        "proof.asked_servers:check_asked_servers",
        "_PORTS[kind]",
        "123",
        "test_a_server_that_is_not_reached_is_a_warning[another-port]",
    ),
    mutant(
        "a machine that reaches a server does not stand for one that does not",
        "proof.asked_servers:check_asked_servers",
        "key in sound",
        "sound",
        "test_a_server_that_is_not_reached_is_a_warning[one-of-two]",
    ),
)
