"""Reading a topology for a command, with progress on a terminal where it takes long."""

from netwright.parallel.progress import progress_stages
from netwright.production.production import Production, prepare
from netwright.text.report import Report, printable
from netwright.text.standard_input import input_name


def prepare_visibly(topology: str, *, quiet: bool) -> tuple[Production | None, Report]:
    """As `prepare`: the production of a topology file, None if it has errors; and everything found."""
    with progress_stages(quiet=quiet) as stage:
        stage(f"reading {printable(input_name(topology))}")
        return prepare(topology)
