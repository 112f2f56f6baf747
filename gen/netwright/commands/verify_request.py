"""The request made of `netwright verify`, checked before any work is done."""

import os
from collections.abc import Sequence
from pathlib import Path

from click import UsageError
from msgspec import Struct

from netwright.commands.flow_choice import choose_flow
from netwright.matrix.matrix import read_traffic
from netwright.production.production import Production
from netwright.text.counting import count
from netwright.text.report import Report, printable
from netwright.verify import Traffic
from netwright.verify_input.parties import NamedParty, group_parties, node_parties
from netwright.verify_input.reading import absent_nodes
from netwright.write.place import LINK

TABLES = ("text", "json", "markdown")
"""The formats that have a place for a matrix, and for what changed."""

MOST_ROWS = 200
"""Most parties of a matrix: 40,000 cells, a picture of 10 MB."""


class Refusal(Exception):  # noqa: N818
    """Input with which nothing can be done."""

    def __init__(self, what: str, message: str) -> None:
        """Takes what is wrong, in the user's words, and why."""
        super().__init__(f"{printable(what)}: error: {printable(message)}")


class MatrixRequest(Struct, frozen=True, kw_only=True):
    """A matrix to measure: which traffic, whether by node, and where to draw it (None: nowhere)."""

    traffic: Traffic
    by_node: bool
    picture: str | None

    def parties(self, production: Production) -> tuple[NamedParty, ...]:
        """Return the rows and columns of the picture. Raises Refusal where there are more than can be read."""
        choose = node_parties if self.by_node else group_parties
        found = choose(production.resolved)
        if len(found) > MOST_ROWS:
            others = "; --matrix-by group shows networks and groups" if self.by_node else ""
            raise Refusal("--matrix", f"{len(found)} rows are more than the {MOST_ROWS} that it has at most{others}")
        return found


def read_request(
    *,
    wanted: bool,
    traffic: str | None,
    by: str | None,
    picture: str | None,
    format_: str,
    against: str | None,
    live: str | None = None,
) -> MatrixRequest | None:
    """The matrix that the options ask for, None if none. Raises UsageError."""
    if live == "":
        raise UsageError("--live names nothing; name a directory of records NODE.facts")
    if against == "":
        raise UsageError("--against names nothing; name a directory or a git revision")
    if against is not None and format_ not in TABLES:
        raise UsageError(f"--against: {format_} has no place for changes; take {_listed(TABLES)}")
    if wanted and format_ not in TABLES:
        raise UsageError(
            f"--matrix: {format_} has no place for a table; take {_listed(TABLES)}, or draw it with --matrix-out"
        )
    asked = wanted or picture is not None
    if not asked and (traffic is not None or by is not None):
        raise UsageError("--matrix-traffic and --matrix-by apply to --matrix or --matrix-out; add one of them")
    if picture is not None and picture.lower().endswith((".html", ".htm")):
        raise UsageError(f"--matrix-out: {picture} is a page by its name; netwright report -o {picture} makes one")
    if picture is not None and not picture.lower().endswith(".svg"):
        raise UsageError(f"--matrix-out: {picture or 'an empty name'} is no picture by its name; end it in .svg")
    known = read_traffic(traffic or "icmp")
    if known is None:
        raise UsageError(
            f"--matrix-traffic: {traffic} is no traffic; write icmp, tcp/PORT or udp/PORT (1 to 65535), as tcp/443"
        )
    return MatrixRequest(traffic=known, by_node=by == "node", picture=picture) if asked else None


def check_out(out: str, nodes: Sequence[str]) -> None:
    """Raises Refusal where `out` is not what generate wrote, is a link, or lacks nodes."""
    if os.path.islink(os.path.normpath(out)):
        raise Refusal(out, LINK)
    absent = absent_nodes(Path(out), nodes)
    if not absent:
        return
    if not os.path.lexists(out):
        raise Refusal(out, "does not exist; run netwright generate first")
    if not os.path.isdir(out):
        raise Refusal(out, "is no directory; name the one that netwright generate wrote")
    manifest = f"{out}/{absent[0]}/manifest.json"
    try:
        os.stat(manifest)
    except (FileNotFoundError, NotADirectoryError):
        others = f", and so is that of {count(len(absent) - 1, 'other node')}" if absent[1:] else ""
        raise Refusal(manifest, f"is missing{others}; run netwright generate first") from None
    except OSError as error:
        raise Refusal(manifest, f"can't be read: {error.strerror}") from None
    raise Refusal(manifest, "is no regular file; remove it, and run netwright generate")


def check_picture(path: str) -> None:
    """Raises Refusal where no picture can be drawn: better now than after an hour."""
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise Refusal(path, "can't be written: it is a directory; name a file")
    if not os.path.isdir(folder):
        raise Refusal(path, f"can't be written: there is no directory {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise Refusal(path, f"can't be written: Permission denied in {folder}")


def choose_flows(production: Production, names: Sequence[str]) -> Report:
    """Return the faults in the names of flows; nothing if the topology has them all."""
    answers = (choose_flow(production, name) for name in names)
    return sum((answer for answer in answers if isinstance(answer, Report)), Report())


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
