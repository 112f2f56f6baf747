"""A comparison as people read it: unified text for a terminal, markdown for a pull request, JSON for machines."""

import json
import re
from collections.abc import Iterator, Sequence

from netwright.text.counting import count
from netwright.text.markdown import summary_code
from netwright.text.report import printable
from netwright.write.comparison import Differences
from netwright.write.repeating import AlikeNodes, fold_nodes
from netwright.write.unified import FileDiff, NodeDiff, diff_nodes

COMMENT_LIMIT = 65_000
"""Characters in one comment; GitHub refuses more than 65,536."""

_COLOURS = {"-": "\x1b[31m", "+": "\x1b[32m", "@": "\x1b[36m", "!": "\x1b[33m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def render_diff_text(comparison: Differences, *, colour: bool = False) -> str:
    """The unified diff of every file that generate would change, node by node, and a summary; "" if there is none.

    Nodes that change alike are shown once, and so is a change that the delivered form repeats.
    """
    nodes = tuple(diff_nodes(comparison))
    if not nodes:
        return ""
    lines = [line for alike in fold_nodes(nodes) for line in _text_lines(alike, comparison.title, colour=colour)]
    return "".join(f"{line}\n" for line in (*lines, "", f"{count(len(nodes), 'node')} to change: {_totals(nodes)}"))


def _text_lines(alike: AlikeNodes, title: str, *, colour: bool) -> Iterator[str]:
    heading = f"{_names(alike)}: {_counts(alike)}"
    yield f"{_BOLD}{heading}{_PLAIN}" if colour else heading
    for line in _diff_lines(alike, title):
        paint = _BOLD if line.startswith(("--- ", "+++ ")) else _COLOURS.get(line[:1])
        yield f"{paint}{line}{_PLAIN}" if colour and paint else line


def _diff_lines(alike: AlikeNodes, title: str) -> Iterator[str]:
    for file in alike.shown:
        yield from _shown(file)
    yield from (f"! and the same in {printable(f'{title}/{path}')}" for path in alike.repeating)


def _names(alike: AlikeNodes) -> str:
    first = alike.node.node or "next to the nodes"
    return f"{first}, and alike {', '.join(alike.others)}" if alike.others else first


def _shown(file: FileDiff) -> list[str]:
    """The lines without anything that acts on a terminal or a CI service; tabs stay."""
    return ["\t".join(printable(part) for part in line.split("\t")) for line in file.lines]


def _counts(alike: AlikeNodes) -> str:
    return _totals((alike.node,)) + (" each" if alike.others else "")


def _totals(nodes: Sequence[NodeDiff]) -> str:
    files = sum(len(node.files) for node in nodes)
    return f"{count(files, 'file')}, +{sum(node.added for node in nodes)} -{sum(node.removed for node in nodes)}"


def render_diff_markdown(comparison: Differences, *, limit: int = COMMENT_LIMIT) -> str:
    """The diff as a comment: one folded section for each node, with counts and fenced diffs.

    What would go beyond `limit` characters is counted instead of shown.
    """
    nodes = tuple(diff_nodes(comparison))
    if not nodes:
        return "No differences.\n"
    text = f"**{count(len(nodes), 'node')}** to change: {_totals(nodes)}\n"
    groups = fold_nodes(nodes)
    left = len(nodes)
    reserve = 200
    for alike in groups:
        heading = f"<summary>{summary_code(_names(alike))}: {_counts(alike)}</summary>"
        section = f"\n<details>{heading}\n\n{_fenced(alike, comparison.title)}\n</details>\n"
        if len(text) + len(section) > limit - reserve:
            section = f"\n<details>{heading}\n\nToo long for this comment; see `netwright diff`.\n\n</details>\n"
        if len(text) + len(section) > limit - reserve:
            return f"{text}\n... and {count(left, 'more node')}; see `netwright diff`.\n"
        text += section
        left -= 1 + len(alike.others)
    return text


def _fenced(alike: AlikeNodes, title: str) -> str:
    """The node's diffs. Its lines are printable already, but for their tabs."""
    text = "\n".join(_diff_lines(alike, title))
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{text}\n{fence}\n"


def render_diff_json(comparison: Differences) -> str:
    """The differences for machines: a JSON list, one object a line.

    Keys: node, path, kind, message, added and removed (lines), diff (null where the comparison kept no bytes). Every
    difference is listed, foreign files and manifests included.
    """
    shown = {file.difference.path: file for node in diff_nodes(comparison) for file in node.files}
    rows = []
    for difference in comparison.differences:
        file = shown.get(difference.path)
        has_bytes = file is not None and (difference.before is not None or difference.after is not None)
        rows.append(
            json.dumps(
                {
                    "node": difference.node,
                    "path": difference.path,
                    "kind": str(difference.kind),
                    "message": difference.message,
                    "added": file.added if file else 0,
                    "removed": file.removed if file else 0,
                    "diff": "\n".join(file.lines) + "\n" if file and has_bytes else None,
                }
            )
        )
    return "[\n " + ",\n ".join(rows) + "\n]\n" if rows else "[]\n"
