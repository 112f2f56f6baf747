"""A hand-off sheet, done as a person would do it: every block of it given to the program whose lines it holds."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from netwright.lab.namespaces import Namespaces
from netwright.lab.programs import SYSCTL
from netwright.verify.reading.formats.handoff import HAPROXY_SECTION, KEEPALIVED_SECTION

_ROW = re.compile(r"\| *([^| ]+) *\| *([0-9./]+) *\|")
_PARAMETER = re.compile(r"-?[a-z0-9_-]+([./][A-Za-z0-9_*./-]+)+ *=.*")


def follow_sheet(spaces: Namespaces, out: Path, node: str, cards: tuple[str, ...]) -> Iterator[str]:
    """Does what the node's sheet asks for; what its device refuses. One that has no sheet gets nothing."""
    spaces.ip(node, [f"link set {card} up" for card in cards])
    sheet = out / node / "handoff.md"
    if not sheet.exists():
        return
    lines = _without_programs(sheet.read_text(encoding="utf-8").splitlines())
    rows = [row for line in lines if (row := _ROW.fullmatch(line.strip()))]
    for row in rows:
        yield from _tell(spaces, node, ["ip", "address", "add", row[2], "dev", row[1]], "")
    for is_code, block in groupby(lines, key=lambda line: line.startswith("    ") or not line.strip()):
        text = [line.removeprefix("    ") for line in block] if is_code else []
        if any(line.strip() for line in text):
            yield from _do(spaces, node, text)


def _without_programs(lines: list[str]) -> list[str]:
    """The sheet without the files of programs that do not run here; the lab holds virtual addresses itself."""
    heading, kept = "", []
    for line in lines:
        heading = line if line.startswith("#") else heading
        kept += [line] if heading not in (KEEPALIVED_SECTION, HAPROXY_SECTION) else []
    return kept


def _do(spaces: Namespaces, node: str, lines: list[str]) -> Iterator[str]:
    wanted = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if all(line.startswith("ip ") for line in wanted):
        for line in wanted:
            yield from _tell(spaces, node, line.split(), "")
    elif all(_PARAMETER.fullmatch(line) for line in wanted):
        # Only those of the network: others are the computer's own.
        yield from _tell(spaces, node, [SYSCTL, "--prefix=/net", "/proc/self/fd/0"], "\n".join(wanted) + "\n")
    else:
        yield from _tell(spaces, node, ["nft", "-f", "-"], "\n".join(lines) + "\n")


def _tell(spaces: Namespaces, node: str, command: list[str], stdin: str) -> Iterator[str]:
    complaint = spaces.attempt(node, command, stdin)
    if complaint:
        yield f"{node}: handoff.md: {' '.join(command)}: {complaint.splitlines()[0]}"
