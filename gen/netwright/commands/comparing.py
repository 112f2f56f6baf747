"""OUT compared with what the topology generates, for `check`, `diff` and `plan`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec.structs import replace

from netwright.commands.options import BAD_INPUT, DIFFERENT, FINE
from netwright.commands.preparation import prepare_visibly
from netwright.parallel.progress import progress_bar
from netwright.production.production import Production
from netwright.write import Differences, compare


def compare_visibly(topology: str, out: str, *, quiet: bool, keep_bytes: bool = False) -> Differences:
    """Comparison of OUT with the topology; its report holds the findings on the topology as well."""
    with comparing(topology, out, quiet=quiet, keep_bytes=keep_bytes) as (_, comparison):
        return comparison


@contextmanager
def comparing(
    topology: str, out: str, *, quiet: bool, keep_bytes: bool = False
) -> Iterator[tuple[Production | None, Differences]]:
    """As `compare_visibly`, while the production can still be asked; None if the topology has errors."""
    production, report = prepare_visibly(topology, quiet=quiet)
    if production is None:
        yield None, Differences(title=out, exists=True, report=report, nodes=0, files=0)
        return
    with closing(production):
        comparison = compare_production(production, Path(out), quiet=quiet, keep_bytes=keep_bytes)
        yield production, replace(comparison, report=report + comparison.report)


def compare_production(
    production: Production, out: Path, *, quiet: bool, keep_bytes: bool = False, known: bool = True
) -> Differences:
    """Comparison of a directory with what a production writes; only one that is `known` may look as it was left."""
    with progress_bar(len(production.nodes), quiet=quiet) as advance:
        return compare(
            out,
            production.nodes,
            production.build,
            fingerprint=production.fingerprint if known else None,
            keep_bytes=keep_bytes,
            progress=advance,
        )


def exit_status(comparison: Differences) -> int:
    """Return the exit status that a comparison ends with."""
    return BAD_INPUT if comparison.report.errors else DIFFERENT if comparison.differs else FINE
