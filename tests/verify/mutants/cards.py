"""Mutants of which card a file takes that finds it by patterns, and of what udev calls the cards."""

from tests.verify.mutants.mutant import mutant

PATTERNS = "network_model.card_patterns"
TWO = "test_a_file_that_takes_more_or_less_than_one_card_is_named"
MISNAMED = "test_a_card_without_its_name_is_not_there"
UNSURE = "test_a_name_that_a_card_may_have"

CARD_MUTANTS = (
    mutant(
        "a file is for one card",
        f"{PATTERNS}:find_by_patterns",
        "len(taken) == 1 and not doubtful",
        "taken and not doubtful",
        f"{TWO}[two cards of one pattern]",
    ),
    mutant(
        "a file is for no card that it may not take",
        f"{PATTERNS}:find_by_patterns",
        "len(taken) == 1 and not doubtful",
        "len(taken) == 1",
        f"{TWO}[a card that fits, and one of which nothing is stated]",
    ),
    mutant(
        "what is not stated of a card is not known",
        f"{PATTERNS}:_fits_one",
        "return None",
        "return True",
        f"{TWO}[a card of which nothing is stated]",
    ),
    mutant(
        "a driver that is stated is that of the card",
        f"{PATTERNS}:_fits_one",
        "return any(fnmatchcase(stated, glob) for glob in globs)",
        "return True",
        f"{TWO}[another driver]",
    ),
    mutant(
        "the topology's patterns fit one card",
        f"{PATTERNS}:find_by_patterns",
        "verdicts = {name: verdict or False for name, verdict in verdicts.items()}",
        "pass",
        "test_a_file_takes_the_card_that_its_patterns_fit[the places of two cards]",
    ),
    mutant(
        "patterns beside a hardware address may fit other cards",
        f"{PATTERNS}:find_by_patterns",
        "port.mac is None and _is_statement(patterns, port.card or _NOTHING)",
        "_is_statement(patterns, port.card or _NOTHING)",
        f"{TWO}[a driver of a card that is known by its address]",
    ),
    mutant(
        "a file with another card's name comes before or behind",
        f"{PATTERNS}:find_by_patterns",
        "if not _precedes(own, link):\n    ...",
        "if False:\n    ...",
        f"{TWO}[a pattern that comes before another card's file]",
    ),
    mutant(
        "the profile of the higher priority comes first",
        f"{PATTERNS}:_precedes",
        "one.priority > other.priority",
        "True",
        f"{TWO}[a profile of the same priority]",
    ),
    mutant(
        "two patterns of one card are rivals",
        "network_model.cards:rivals",
        "ways[0] != ways[1]",
        "ways[0][0] != ways[1][0]",
        f"{TWO}[two patterns of one card]",
    ),
    mutant(
        "a name beside another driver is that of no card",
        "network_model.cards:_also_fits",
        "if verdict:\n    ...",
        "if True:\n    ...",
        f"{TWO}[a name with another driver]",
    ),
    mutant(
        "a card has a new name once a file gives it",
        f"{PATTERNS}:check_names",
        "port.card is not None and port.card.renamed",
        "False",
        f"{MISNAMED}[no file]",
    ),
    mutant(
        "a card has the name that the file gives it",
        f"{PATTERNS}:check_names",
        "rename.name != port.interface",
        "False",
        f"{MISNAMED}[another name]",
    ),
    mutant(
        "of two files for one card the first counts",
        f"{PATTERNS}:check_names",
        "ordered = sorted(configuration.renames, key=lambda one: _basename(one.origin.file))",
        "ordered = sorted(configuration.renames, key=lambda one: _basename(one.origin.file), reverse=True)",
        f"{MISNAMED}[another file before it]",
    ),
    mutant(
        "the system's own file is the last",
        f"{PATTERNS}:check_names",
        "_basename(one.origin.file) < _LAST_LINK_FILE",
        "True",
        f"{MISNAMED}[a file behind the system's own]",
    ),
    mutant(
        "a name of before is not known",
        f"{PATTERNS}:_is_for",
        "None if patterns.names else fits(patterns, port)",
        "fits(patterns, port)",
        f"{UNSURE}[a name of before]",
    ),
    mutant(
        "one card gets the name",
        f"{PATTERNS}:check_names",
        "first.setdefault(rename.name, port.interface) != port.interface",
        "False",
        f"{UNSURE}[two cards]",
    ),
    mutant(
        "NetworkManager leaves the interfaces of pods alone where a list of its has them",
        "network_model.cards:plugin_interfaces_taken",
        "one.takes(name, None, Kind.BRIDGE) is False",
        "True",
        "test_interfaces_of_pods_are_left_to_the_plugin[the list has them]",
    ),
    mutant(
        "of several lists the last counts",
        "network_model.cards:plugin_interfaces_taken",
        "settings and taken",
        "False",
        "test_interfaces_of_pods_are_left_to_the_plugin[another list]",
    ),
    mutant(
        "kube-vip's address is on the card that the topology has",
        "network_model.machine_building:_misplaced",
        "one.card is not None and one.card != card",
        "False",
        "test_kube_vip_holds_what_the_topology_has[on another card]",
    ),
    mutant(
        "kube-vip holds an address of the topology's",
        "network_model.machine_building:_misplaced",
        "card is None",
        "False",
        "test_kube_vip_holds_what_the_topology_has[another address]",
    ),
)
