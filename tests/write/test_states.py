"""From any state of OUT to any other: what is there in the end is what a first run would have written."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.files.artifact import Artifact, NodeFile, NodeTree
from netwright.write import compare, generate
from tests.write.trees import messages, snapshot

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
CONTENTS = st.tuples(st.binary(max_size=2), st.sampled_from([0o600, 0o644, 0o700]))


def _without_clashes(files: Mapping[str, tuple[bytes, int]]) -> dict[str, tuple[bytes, int]]:
    return {path: file for path, file in files.items() if not any(other.startswith(f"{path}/") for other in files)}


FILES = st.dictionaries(PATHS, CONTENTS, max_size=5).map(_without_clashes)
STATES = st.dictionaries(st.sampled_from(["n1", "n2", "n10"]), FILES, max_size=3)
State = Mapping[str, Mapping[str, tuple[bytes, int]]]


def _tree(node: str, files: Mapping[str, tuple[bytes, int]]) -> NodeTree:
    return NodeTree(
        node=node,
        files=tuple(NodeFile(path=path, content=content, mode=mode) for path, (content, mode) in files.items()),
        artifacts=tuple(Artifact(path=f"beside{path}", content=content) for path, (content, _) in files.items()),
    )


def _generate(out: Path, state: State, *, in_place: bool = False) -> tuple[str, ...]:
    """The paths that were written or pruned."""
    trees = {node: _tree(node, files) for node, files in state.items()}
    nodes = sorted(trees, key=lambda node: int(node[1:]))
    outcome = generate(out, nodes, trees.__getitem__, fingerprint=repr(state), in_place=in_place)
    assert messages(outcome.report) == []
    assert not compare(out, nodes, trees.__getitem__).differs
    return (*outcome.added, *outcome.changed, *outcome.pruned)


@settings(deadline=None, max_examples=150)
@given(st.lists(STATES, min_size=2, max_size=4), st.booleans())
def test_the_way_to_a_state_leaves_no_trace(states: list[State], in_place: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as home:
        for state in states:
            _generate(Path(home, "out"), state, in_place=in_place)
        _generate(Path(home, "fresh"), states[-1])

        assert snapshot(Path(home, "out")) == snapshot(Path(home, "fresh"))
        assert _generate(Path(home, "out"), states[-1]) == ()


@settings(deadline=None, max_examples=100)
@given(STATES, STATES)
def test_only_files_that_differ_are_touched(old: State, new: State) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as home:
        out = Path(home, "out")
        _generate(out, old)
        before = {path: (file, (out / path).stat().st_ino) for path, file in snapshot(out).items() if file}

        touched = _generate(out, new)

        after = {path: (file, (out / path).stat().st_ino) for path, file in snapshot(out).items() if file}
        assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} == set(touched)
