"""Comparison of OUT with what the topology would generate now."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from netwright.parallel.progress import progress_bar
from netwright.production.production import Production
from netwright.text.counting import count
from netwright.text.report import render_text
from netwright.write import compare

OUTDATED = "OUTDATED"
_SHOWN = 8


class Drift(Struct, frozen=True, kw_only=True):
    """Difference of OUT from what would be generated: a sentence, and the files below OUT."""

    cause: str
    files: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The warning for people, with the first of the files."""
        yield f"warning: {OUTDATED}: {self.cause}"
        yield from (f"  at {file}" for file in self.files[:_SHOWN])
        if len(self.files) > _SHOWN:
            yield f"  and {len(self.files) - _SHOWN} more"


def find_drift(production: Production, out: str, *, quiet: bool) -> Drift | None:
    """The difference between OUT and what generate would write, None if there is none.

    An OUT that looks as the last generate left it, from the same input, is not read again.
    """
    with progress_bar(len(production.nodes), quiet=quiet, what="nodes compared") as advance:
        comparison = compare(
            Path(out),
            production.nodes,
            production.build,
            fingerprint=production.fingerprint,
            progress=advance,
        )
    topology = production.source.name
    if comparison.report.errors:
        first = render_text(comparison.report).partition("\n")[0]
        return Drift(cause=f"{topology} would generate something else than {out}, or nothing: {first}")
    if not comparison.differs:
        return None
    number = len(comparison.differences)
    verb = "differs" if number == 1 else "differ"
    cause = f"{out} is not what {topology} would generate now ({count(number, 'file')} {verb})"
    return Drift(
        cause=f"{cause}; netwright diff shows how, netwright generate writes it",
        files=tuple(one.path for one in comparison.differences),
    )
