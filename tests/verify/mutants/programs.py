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
        "an advertisement passes the receiver's input",
        "heartbeat",
        '        middle_hook(receiver, "input", arriving, way)\n',
        "",
        "test_a_holder_that_hears_no_other_is_found",
    ),
)
