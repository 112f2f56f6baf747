"""OUT compared with what the topology generates, for `check` and `diff`."""

from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from netwright.commands.options import BAD_INPUT, DIFFERENT, FINE
from netwright.commands.preparation import prepare_visibly
from netwright.parallel.progress import progress_bar
from netwright.write import Differences, compare


def compare_visibly(topology: str, out: str, *, quiet: bool, keep_bytes: bool = False) -> Differences:
    """Comparison of OUT with the topology; its report holds the findings on the topology as well."""
    production, report = prepare_visibly(topology, quiet=quiet)
    if production is None:
        return Differences(title=out, exists=True, report=report, nodes=0, files=0)
    with closing(production), progress_bar(len(production.nodes), quiet=quiet) as advance:
        comparison = compare(
            Path(out),
            production.nodes,
            production.build,
            fingerprint=production.fingerprint,
            keep_bytes=keep_bytes,
            progress=advance,
        )
    return replace(comparison, report=report + comparison.report)


def exit_status(comparison: Differences) -> int:
    """Return the exit status that a comparison ends with."""
    return BAD_INPUT if comparison.report.errors else DIFFERENT if comparison.differs else FINE
