"""What a mutant is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One line of a module below gen/verify changed, and the case of rules.CASES, or the test of test_ways.py or
    test_programs.py, that must go red."""

    rule: str
    module: str
    before: str
    after: str
    killer: str


def mutant(rule: str, module: str, before: str, after: str, killer: str) -> Mutant:
    return Mutant(rule=rule, module=module, before=before, after=after, killer=killer)
