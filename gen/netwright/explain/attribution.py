"""Facts of a plan that a line of a generated file comes from: those without which it would not be there.

Nothing in templates or files tells where a line is from. The node's files are made again without some of its facts,
and what is then missing is theirs; half of the facts at a time, so that a node with thousands takes a handful of runs.
"""

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import product

from netwright.explain.fact import Fact
from netwright.files.artifact import NodeTree
from netwright.plan.types import NodePlan

Rebuild = Callable[[NodePlan], NodeTree]

_Taken = tuple[int, ...]
"""Facts that are left out, by their numbers."""


def file_lines(tree: NodeTree, path: str) -> list[str] | None:
    """The lines of a file below the node's folder, None if the tree lacks it; bytes that are no text are replaced."""
    for artifact in tree.artifacts:
        if artifact.path == path:
            return artifact.content.decode(errors="replace").split("\n")
    for file in tree.files:
        if f"rootfs{file.path}" == path:
            return file.content.decode(errors="replace").split("\n")
    return None


def lines_lost(before: Sequence[str], after: Sequence[str] | None) -> frozenset[int]:
    """The numbers (from 1) of the lines that a file no longer has as they were; all of them if it is gone."""
    if after is None:
        return frozenset(range(1, len(before) + 1))
    matcher = SequenceMatcher(a=[*map(_unnumbered, before)], b=[*map(_unnumbered, after)], autojunk=False)
    kept = {i + offset for i, _, size in matcher.get_matching_blocks() for offset in range(size)}
    return frozenset(number + 1 for number in range(len(before)) if number not in kept)


def _unnumbered(line: str) -> str:
    """The line without the number of a keyfile's key, which counts the lines before it (nm-settings-keyfile(5))."""
    return _NUMBERED.sub(r"\1", line)


_NUMBERED = re.compile(r"^(address|route|routing-rule)[0-9]+(?=[=_])")


class Attribution:
    """The facts behind lines of a node's files; what was built to explain one line is kept for the others."""

    def __init__(self, build: Rebuild, plan: NodePlan, facts: Sequence[Fact]) -> None:
        self._build = build
        self._plan = plan
        self._facts = facts
        self._trees: dict[_Taken, NodeTree] = {}
        self._lost: dict[tuple[str, _Taken], frozenset[int]] = {}

    def lines(self, path: str) -> list[str] | None:
        """The lines of a file below the node's folder, None if there is none."""
        return file_lines(self._tree(()), path)

    def facts_behind(self, path: str, line: int) -> tuple[Fact, ...]:
        """The facts that the line needs: the single ones, or, for a line that none of them accounts for, the whole."""
        before = self.lines(path)
        if before is None:
            return ()

        def is_lost(taken: _Taken) -> bool:
            return line in self._lost_lines(path, taken)

        found = _search(tuple(number for number, fact in enumerate(self._facts) if not fact.whole), is_lost)
        if not found and before[line - 1].startswith("["):
            # A section's heading looks like any other: whose it is, its first line tells.
            return self.facts_behind(path, line + 1)
        if not found:
            found = tuple(number for number, fact in enumerate(self._facts) if fact.whole and is_lost((number,)))
        return tuple(self._facts[number] for number in found)

    def _lost_lines(self, path: str, taken: _Taken) -> frozenset[int]:
        if (path, taken) not in self._lost:
            before, after = self.lines(path) or [], file_lines(self._tree(taken), path)
            self._lost[path, taken] = frozenset() if before == after else lines_lost(before, after)
        return self._lost[path, taken]

    def _tree(self, taken: _Taken) -> NodeTree:
        if taken not in self._trees:
            self._trees[taken] = self._build(_without(self._plan, [self._facts[number] for number in taken]))
        return self._trees[taken]


def _search(facts: _Taken, is_lost: Callable[[_Taken], bool]) -> _Taken:
    if not facts or not is_lost(facts):
        return ()
    if len(facts) == 1:
        return facts
    half = len(facts) // 2
    return _search(facts[:half], is_lost) + _search(facts[half:], is_lost)


_Lost = frozenset[tuple[str, int]]
"""Lines as the file below the node's folder, and the number from 1."""


def lines_of(build: Rebuild, plan: NodePlan, facts: Sequence[Fact]) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Return for each fact the lines that are there because of it, in files people read.

    Many facts are told apart by their numbers: for each binary digit the node is built without those that have it, and
    without those that have not. A line of one fact is lost once for each digit, which takes two builds a digit and not
    one a fact. What depends on several facts is tried with each that may be one of them.
    """
    before = build(plan)
    digits = range(max(len(facts) - 1, 1).bit_length())
    rounds: dict[tuple[int, int], _Lost] = {}
    for digit, value in product(digits, (0, 1)) if len(facts) > _FEW else ():
        taken = [fact for number, fact in enumerate(facts) if number >> digit & 1 == value]
        rounds[digit, value] = _lost(before, build(_without(plan, taken)))
    alone: dict[int, _Lost] = {}

    def lost_alone(number: int) -> _Lost:
        if number not in alone:
            alone[number] = _lost(before, build(facts[number].without(plan)))
        return alone[number]

    if not rounds:
        return tuple(_in_order(lost_alone(number)) for number in range(len(facts)))
    found: list[set[tuple[str, int]]] = [set() for _ in facts]
    for line in frozenset().union(*rounds.values()):
        marks = [[value for value in (0, 1) if line in rounds[digit, value]] for digit in digits]
        may = [n for n in range(len(facts)) if all(n >> digit & 1 in marks[digit] for digit in digits)]
        for number in may if all(map(len, marks)) else ():
            if len(may) == 1 or line in lost_alone(number):
                found[number].add(line)
    return tuple(map(_in_order, map(frozenset, found)))


_FEW = 8
"""So many facts are tried one by one."""


def _without(plan: NodePlan, facts: Sequence[Fact]) -> NodePlan:
    for fact in facts:
        plan = fact.without(plan)
    return plan


def _lost(before: NodeTree, after: NodeTree) -> _Lost:
    """Return the lines that a node no longer has, without those that say nothing where others are lost."""
    paths = [artifact.path for artifact in before.artifacts if artifact.path.startswith(("libvirt/", "handoff"))]
    paths += [f"rootfs{file.path}" for file in before.files]
    found = set()
    for path in paths:
        lines = file_lines(before, path)
        if lines is not None:
            lost = lines_lost(lines, file_lines(after, path))
            found |= {(path, number) for number in lost if not _says_nothing(lines[number - 1]) or len(lost) == 1}
    return frozenset(found)


def _in_order(lines: _Lost) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(lines))


def _says_nothing(line: str) -> bool:
    """Return whether a line is empty, or the comment at the head of a file, which belongs to each fact alike."""
    return not line.strip() or line.startswith("# Written by netwright")
