"""Mutants of what other programs on the machines do."""

from tests.verify.mutants.mutant import mutant

PROGRAM_MUTANTS = (
    mutant(
        "holders that hear each other in one way are no fault",
        "heartbeat",
        "if ends and all(",
        "if ends and any(",
        "test_holders_hear_each_other_by_multicast_or_by_unicast",
    ),
    mutant(
        "a denied flow is not proved by what firewalld refuses",
        "firewall",
        "if base.optional and passage.unwanted:",
        "if False:",
        "test_what_firewalld_refuses_is_not_proved_to_be_kept_out",
    ),
    mutant(
        "what firewalld refuses counts for a flow that must arrive",
        "firewall",
        "if base.optional and passage.unwanted:",
        "if base.optional:",
        "test_firewalld_forwards_nothing",
    ),
    mutant(
        "firewalld runs where it is said to",
        "programs",
        'return state == "running" or (',
        "return (",
        "test_firewalld_forwards_nothing",
    ),
    mutant(
        "Docker drops what it has to forward for others",
        "programs",
        'docker_rules("accept" if forwards else "drop")',
        'docker_rules("drop")',
        "test_docker_forwards_for_others_where_forwarding_was_on_before",
    ),
    mutant(
        "Docker has a network of its own",
        "machine",
        "if name in wiring.docker and (",
        "if False and (",
        "test_docker_has_a_network_of_its_own",
    ),
    mutant(
        "an advertisement passes the receiver's input",
        "heartbeat",
        '        middle_hook(receiver, "input", arriving, way)\n',
        "",
        "test_a_holder_that_hears_no_other_is_found",
    ),
)
