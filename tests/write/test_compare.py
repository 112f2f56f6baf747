"""Check and diff see every difference between OUT and what generate would write, and write nothing."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from netwright.files.artifact import Artifact, NodeFile, NodeTree
from netwright.write import (
    DifferenceKind,
    Differences,
    compare,
    generate,
    render_diff_json,
    render_diff_markdown,
    render_diff_text,
)
from tests.write.trees import building, messages, node_tree, times, write

HOSTNAME = "lb1/rootfs/etc/hostname"
NODES = ("lb1", "lb2")


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generated OUT of two nodes, named by the relative path `out`."""
    monkeypatch.chdir(tmp_path)
    write(Path("out"))
    return Path("out")


def test_what_was_generated_does_not_differ(out: Path) -> None:
    before = times(out)

    comparison = compare(out, NODES, building())

    assert comparison == Differences(title="out", exists=True, report=comparison.report, nodes=2, files=10)
    assert not comparison.differs
    assert messages(comparison.findings) == []
    assert times(out) == before


def _edit(out: Path) -> None:
    (out / HOSTNAME).write_text("mine\n")


def _link(out: Path) -> None:
    (out / HOSTNAME).unlink()
    (out / HOSTNAME).symlink_to("/etc/hostname")


def _fold(out: Path) -> None:
    (out / HOSTNAME).unlink()
    (out / HOSTNAME).mkdir()
    (out / HOSTNAME / "mine").write_text("mine\n")


@pytest.mark.parametrize(
    ("disturb", "kinds"),
    [
        pytest.param(_edit, {HOSTNAME: "edited"}, id="edited"),
        pytest.param(lambda out: (out / HOSTNAME).unlink(), {HOSTNAME: "missing"}, id="missing"),
        pytest.param(lambda out: (out / HOSTNAME).chmod(0o755), {HOSTNAME: "outdated"}, id="executable"),
        pytest.param(lambda out: (out / HOSTNAME).chmod(0o600), {}, id="mode-that-git-does-not-keep"),
        pytest.param(_link, {HOSTNAME: "symlink"}, id="symlink"),
        pytest.param(_fold, {HOSTNAME: "in-the-way", f"{HOSTNAME}/mine": "foreign"}, id="directory"),
        pytest.param(lambda out: (out / "lb1/mine").write_text(""), {"lb1/mine": "foreign"}, id="foreign"),
        pytest.param(lambda out: (out / "README").write_text(""), {}, id="foreign-beside-the-nodes"),
        pytest.param(
            lambda out: (out / "lb1/manifest.json").write_text("{"), {"lb1/manifest.json": "broken"}, id="broken"
        ),
    ],
)
def test_every_kind_of_difference_is_named(out: Path, disturb: Callable[[Path], None], kinds: dict[str, str]) -> None:
    disturb(out)

    comparison = compare(out, NODES, building(), workers=2)

    assert {found.path: str(found.kind) for found in comparison.differences} == kinds
    assert [message.split(": error: ")[0] for message in messages(comparison.findings)] == [f"out/{p}" for p in kinds]


def test_outdated_and_stale_files_are_told_from_edited_ones(out: Path) -> None:
    comparison = compare(out, ("lb1", "lb3"), building({"lb1": "two"}))

    outdated = "is not as generated from the topology"
    assert [title.removesuffix("; run netwright generate") for title in messages(comparison.findings)] == [
        f"out/lb1/manifest.json: error: {outdated}",
        f"out/lb1/rootfs/etc/systemd/network/10-eth0.network: error: {outdated}",
        "out/lb3: error: is missing (5 files)",
        "out/lb2: error: is not generated any more (5 files)",
    ]


def test_a_folder_is_missing_only_with_all_its_files(out: Path) -> None:
    for path in ("lb1/manifest.json", HOSTNAME):
        (out / path).unlink()

    comparison = compare(out, NODES, building())

    assert messages(comparison.findings) == [
        f"out/{path}: error: is missing; run netwright generate" for path in ("lb1/manifest.json", HOSTNAME)
    ]


def test_a_single_file_is_counted_as_one(out: Path) -> None:
    manifest = out / "lb2/manifest.json"
    manifest.write_text('{"node": "lb2", "files": [], "artifacts": []}')
    for path in sorted((out / "lb2").rglob("*"), reverse=True):
        if path != manifest:
            path.rmdir() if path.is_dir() else path.unlink()

    comparison = compare(out, ("lb1",), building())

    assert messages(comparison.findings) == [
        "out/lb2: error: is not generated any more (1 file); run netwright generate"
    ]


def test_missing_out_is_one_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    comparison = compare(Path("a/out"), NODES, building())

    assert messages(comparison.findings) == ["a/out: error: does not exist; run netwright generate"]
    assert len(comparison.differences) == 10
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_kept_only_when_asked_for(out: Path) -> None:
    _edit(out)

    (plain,) = compare(out, NODES, building()).differences
    (kept,) = compare(out, NODES, building(), keep_bytes=True).differences

    assert (plain.before, plain.after) == (None, None)
    assert kept.before is not None
    assert kept.after is not None
    assert (kept.before.content, kept.after.content) == (b"mine\n", b"lb1\n")


def changed(out: Path) -> Differences:
    """A comparison in which lb1 changes, lb2 goes and lb10 comes."""
    return compare(out, ("lb1", "lb10"), building({"lb1": "two"}), keep_bytes=True)


def test_text_is_a_unified_diff_by_node_without_the_manifests_that_follow(out: Path) -> None:
    text = render_diff_text(changed(out))

    assert text.startswith("""\
lb1: 1 file, +1 -1
--- out/lb1/rootfs/etc/systemd/network/10-eth0.network
+++ out/lb1/rootfs/etc/systemd/network/10-eth0.network
@@ -1,2 +1,2 @@
 [Match]
-Name=one
+Name=two
lb10: 4 files, +5 -0
--- /dev/null
+++ out/lb10/lb10.ign
@@ -0,0 +1 @@
+{}
""")
    assert "lb2: 4 files, +0 -5\n--- out/lb2/lb2.ign\n+++ /dev/null\n@@ -1 +0,0 @@\n-{}\n" in text
    assert "manifest" not in text


def deliver(out: Path, **texts: str) -> str:
    """The diff after `two` became the text of each node, in rootfs and inside of its Ignition config."""

    def tree(texts: Mapping[str, str]) -> Callable[[str], NodeTree]:
        return lambda node: delivered_tree(node, texts.get(node, "one\ntwo\n"))

    generate(out, NODES, tree({}), fingerprint="2")
    return render_diff_text(compare(out, NODES, tree(texts), keep_bytes=True))


def delivered_tree(node: str, text: str, *, config: str = "{}") -> NodeTree:
    """A node with a file that is delivered inside an Ignition config as well."""
    source = base64.b64encode(text.encode()).decode()
    ignition = f'{{\n  "path": "/etc/x",\n  "source": "data:;base64,{source}",\n  "config": {config}\n}}\n'
    return NodeTree(
        node=node,
        files=(NodeFile(path="/etc/x", content=text.encode()),),
        artifacts=(Artifact(path=f"{node}.ign", content=ignition.encode()),),
    )


def test_a_change_that_the_delivered_form_repeats_is_shown_once_with_a_summary(out: Path) -> None:
    assert (
        deliver(out, lb1="one\nthree\n")
        == """\
lb1: 2 files, +2 -2
--- out/lb1/rootfs/etc/x
+++ out/lb1/rootfs/etc/x
@@ -1,2 +1,2 @@
 one
-two
+three
! and the same in out/lb1/lb1.ign

1 node to change: 2 files, +2 -2
"""
    )


def test_nodes_that_change_alike_are_shown_once(out: Path) -> None:
    text = deliver(out, lb1="three\n", lb2="three\n")

    assert text.startswith("lb1, and alike lb2: 2 files, +2 -4 each\n")
    assert text.count("+three") == 1
    assert text.endswith("\n\n2 nodes to change: 4 files, +4 -8\n")


def test_nodes_change_alike_whatever_their_own_lines_around_are(out: Path) -> None:
    def tree(last: str) -> Callable[[str], NodeTree]:
        return lambda node: node_tree(node, extra=(NodeFile(path="/etc/x", content=f"{node}\n{last}\n".encode()),))

    generate(out, NODES, tree("one"), fingerprint="2")
    text = render_diff_text(compare(out, NODES, tree("two"), keep_bytes=True))

    assert text.startswith("lb1, and alike lb2: 1 file, +1 -1 each\n")
    assert text.count("+two") == 1


def test_nodes_that_change_differently_are_shown_each(out: Path) -> None:
    text = deliver(out, lb1="three\n", lb2="four\n")

    assert "alike" not in text
    assert ("+three" in text, "+four" in text) == (True, True)


def test_a_delivered_form_that_changes_otherwise_is_shown_with_its_sources_decoded(out: Path) -> None:
    generate(out, ("lb1",), lambda node: delivered_tree(node, "two\n"), fingerprint="2")
    now = compare(out, ("lb1",), lambda node: delivered_tree(node, "two\n--- x\n", config="[]"), keep_bytes=True)

    text = render_diff_text(now)

    assert '\n   "source": "data:",\n   | two\n+  | --- x\n   | \n-  "config": {}\n+  "config": []\n' in text
    assert "base64" not in text


def test_colour_marks_lines_and_nothing_else(out: Path) -> None:
    text = render_diff_text(changed(out), colour=True)

    assert "\x1b[31m-Name=one\x1b[0m\n\x1b[32m+Name=two\x1b[0m\n" in text
    stripped = text
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"):
        stripped = stripped.replace(code, "")
    assert stripped == render_diff_text(changed(out))


def test_mode_or_owner_that_only_the_manifest_knows_is_shown_there(out: Path) -> None:
    secret = (NodeFile(path="/etc/key", content=b"k\n", mode=0o644),)
    closed = (NodeFile(path="/etc/key", content=b"l\n", mode=0o600),)
    generate(out, NODES, lambda node: node_tree(node, extra=secret), fingerprint="2")

    text = render_diff_text(compare(out, NODES, lambda node: node_tree(node, extra=closed), keep_bytes=True))

    assert '\n-      "mode": "0644",\n' in text
    assert '\n+      "mode": "0600",\n' in text


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"lb1", "@@ -1 +1 @@\n-lb1\n\\ No newline at end of file\n+lb1\n"),
        (b"\x1b[2J\n", "@@ -1 +1 @@\n-\\u001b[2J\n+lb1\n"),
        (b"a\tb\n", "@@ -1 +1 @@\n-a\tb\n+lb1\n"),
        (b"\xff\n", "! not text: the bytes differ\n"),
        (b"\0\n", "! not text: the bytes differ\n"),
        (b"", "@@ -0,0 +1 @@\n+lb1\n"),
    ],
    ids=["no-newline", "escape", "tab", "not-utf-8", "nul", "empty"],
)
def test_odd_content_is_shown_without_harm(out: Path, content: bytes, shown: str) -> None:
    (out / HOSTNAME).write_bytes(content)

    text = render_diff_text(compare(out, NODES, building(), keep_bytes=True))

    body, _, summary = text.rpartition("\n\n")
    assert f"{body}\n".endswith(f"--- out/{HOSTNAME}\n+++ out/{HOSTNAME}\n{shown}")
    assert summary.startswith("1 node to change: 1 file, ")
    assert f"! out/{HOSTNAME}: edited by hand since it was generated" in text


def test_executable_bit_is_shown(out: Path) -> None:
    (out / "lb1/rootfs/opt/bin/start").chmod(0o644)

    text = render_diff_text(compare(out, NODES, building(), keep_bytes=True))

    assert text.endswith("! mode 0644 becomes 0755\n\n1 node to change: 1 file, +0 -0\n")


def test_markdown_folds_each_node_and_fences_its_diff(out: Path) -> None:
    text = render_diff_markdown(changed(out))

    assert text.startswith("""\
**3 nodes** to change: 9 files, +6 -6

<details><summary><code>lb1</code>: 1 file, +1 -1</summary>

```diff
--- out/lb1/rootfs/etc/systemd/network/10-eth0.network
+++ out/lb1/rootfs/etc/systemd/network/10-eth0.network
@@ -1,2 +1,2 @@
 [Match]
-Name=one
+Name=two
```

</details>
""")


def test_no_content_can_end_its_fence(out: Path) -> None:
    (out / HOSTNAME).write_text("````\n</details><script>\n")

    lines = render_diff_markdown(compare(out, NODES, building(), keep_bytes=True)).splitlines()

    assert lines.count("`````diff") == lines.count("`````") == 1


@pytest.mark.parametrize("limit", [300, 700, 1500, 4000])
def test_markdown_stays_below_the_limit_of_a_comment_and_counts_the_rest(out: Path, limit: int) -> None:
    nodes = tuple(f"n{number}" for number in range(40))

    text = render_diff_markdown(compare(out, nodes, building(), keep_bytes=True), limit=limit)

    assert len(text) <= limit
    assert text.count("<details>") == text.count("</details>")
    assert "more nodes; see `netwright diff`." in text
    assert text.startswith("**42 nodes** to change: ")


def test_nothing_to_show_is_said_in_words_only_in_markdown(out: Path) -> None:
    comparison = compare(out, NODES, building(), keep_bytes=True)

    assert render_diff_markdown(comparison) == "No differences.\n"
    assert render_diff_text(comparison) == ""
    assert render_diff_json(comparison) == "[]\n"


def test_json_lists_every_difference(out: Path) -> None:
    (out / "lb1/mine").write_text("")

    rows = json.loads(render_diff_json(changed(out)))

    assert [(row["kind"], row["path"]) for row in rows[:3]] == [
        ("outdated", "lb1/manifest.json"),
        ("foreign", "lb1/mine"),
        ("outdated", "lb1/rootfs/etc/systemd/network/10-eth0.network"),
    ]
    assert (rows[2]["added"], rows[2]["removed"], rows[2]["node"]) == (1, 1, "lb1")
    assert rows[2]["diff"].endswith("-Name=one\n+Name=two\n")
    assert len(rows) == 3 + 5 + 5


def test_kinds_have_the_names_that_machines_read() -> None:
    assert {str(kind) for kind in DifferenceKind} == {
        *("missing", "outdated", "stale", "edited", "foreign", "in-the-way", "broken", "symlink")
    }
