"""Facts of a plan that a line of a generated file comes from: those without which it would not be there.

Nothing in templates or files tells where a line is from. The node's files are made again without some of its facts,
and what is then missing is theirs; half of the facts at a time, so that a node with thousands takes a handful of runs.
"""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from netwright.explain.fact import Fact
from netwright.files.artifact import NodeTree
from netwright.plan.types import NodePlan

Rebuild = Callable[[NodePlan], NodeTree]


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
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    kept = {i + offset for i, _, size in matcher.get_matching_blocks() for offset in range(size)}
    return frozenset(number + 1 for number in range(len(before)) if number not in kept)


def attribute_line(build: Rebuild, plan: NodePlan, facts: Sequence[Fact], path: str, line: int) -> tuple[Fact, ...]:
    """The facts that the line needs: the single ones, or, for a line that none of them accounts for, the whole ones."""
    before = file_lines(build(plan), path)
    if before is None:
        return ()

    def is_lost(taken: Sequence[Fact]) -> bool:
        altered = plan
        for fact in taken:
            altered = fact.without(altered)
        return line in lines_lost(before, file_lines(build(altered), path))

    found = _search([fact for fact in facts if not fact.whole], is_lost)
    if not found and before[line - 1].startswith("["):
        # A section's heading looks like any other: whose it is, its first line tells.
        return attribute_line(build, plan, facts, path, line + 1)
    return found or tuple(fact for fact in facts if fact.whole and is_lost([fact]))


def _search(facts: Sequence[Fact], is_lost: Callable[[Sequence[Fact]], bool]) -> tuple[Fact, ...]:
    if not facts or not is_lost(facts):
        return ()
    if len(facts) == 1:
        return tuple(facts)
    half = len(facts) // 2
    return _search(facts[:half], is_lost) + _search(facts[half:], is_lost)


def lines_of(build: Rebuild, plan: NodePlan, fact: Fact) -> tuple[tuple[str, int], ...]:
    """The lines (file below the node's folder, number) that are there because of a fact, in files people read."""
    before, after = build(plan), build(fact.without(plan))
    paths = [artifact.path for artifact in before.artifacts if artifact.path.startswith(("libvirt/", "handoff"))]
    paths += [f"rootfs{file.path}" for file in before.files]
    found = []
    for path in paths:
        lines = file_lines(before, path)
        if lines is not None:
            found += [(path, number) for number in sorted(lines_lost(lines, file_lines(after, path)))]
    return tuple(found)
