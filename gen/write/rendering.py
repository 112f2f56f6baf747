"""A comparison as people read it: unified text for a terminal, markdown for a pull request, JSON for machines."""

import html
import json
import re
from collections.abc import Iterator

from gen.counting import count
from gen.report import printable
from gen.write.comparison import Comparison
from gen.write.unified import FileDiff, NodeDiff, diff_nodes

COMMENT_LIMIT = 65_000
"""Characters in one comment; GitHub refuses more than 65,536."""

_COLOURS = {"-": "\x1b[31m", "+": "\x1b[32m", "@": "\x1b[36m", "!": "\x1b[33m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def render_diff_text(comparison: Comparison, *, colour: bool = False) -> str:
    """The unified diff of every file that generate would change, node by node; "" if there is none."""
    return "".join(f"{line}\n" for node in diff_nodes(comparison) for line in _text_lines(node, colour=colour))


def _text_lines(node: NodeDiff, *, colour: bool) -> Iterator[str]:
    title = f"{node.node or 'beside the nodes'}: {_counts(node)}"
    yield f"{_BOLD}{title}{_PLAIN}" if colour else title
    for file in node.files:
        for line in _shown(file):
            paint = _BOLD if line.startswith(("--- ", "+++ ")) else _COLOURS.get(line[:1])
            yield f"{paint}{line}{_PLAIN}" if colour and paint else line


def _shown(file: FileDiff) -> list[str]:
    """The lines without anything that acts on a terminal or a CI service; tabs stay."""
    return ["\t".join(printable(part) for part in line.split("\t")) for line in file.lines]


def _counts(node: NodeDiff) -> str:
    return f"{count(len(node.files), 'file')}, +{node.added} -{node.removed}"


def render_diff_markdown(comparison: Comparison, *, limit: int = COMMENT_LIMIT) -> str:
    """The diff as a comment: one folded section for each node, with counts and fenced diffs.

    What would go beyond `limit` characters is counted instead of shown.
    """
    nodes = tuple(diff_nodes(comparison))
    if not nodes:
        return "No differences.\n"
    files = sum(len(node.files) for node in nodes)
    added, removed = sum(node.added for node in nodes), sum(node.removed for node in nodes)
    text = f"**{count(len(nodes), 'node')}** to change: {count(files, 'file')}, +{added} -{removed}\n"
    reserve = 200
    for number, node in enumerate(nodes):
        heading = f"<summary><code>{html.escape(node.node or 'beside the nodes')}</code>: {_counts(node)}</summary>"
        section = f"\n<details>{heading}\n\n{_fenced(node)}\n</details>\n"
        if len(text) + len(section) > limit - reserve:
            section = f"\n<details>{heading}\n\nToo long for this comment; see `netwright diff`.\n\n</details>\n"
        if len(text) + len(section) > limit - reserve:
            return f"{text}\n... and {count(len(nodes) - number, 'more node')}; see `netwright diff`.\n"
        text += section
    return text


def _fenced(node: NodeDiff) -> str:
    """The node's diffs in a fence longer than any run of backticks in them, so that none can end it."""
    text = "\n".join(line for file in node.files for line in _shown(file))
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{text}\n{fence}\n"


def render_diff_json(comparison: Comparison) -> str:
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
