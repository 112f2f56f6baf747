"""Prints the table: `python -m benchmarks [--nodes N ...] [--rows ROWS ...] [--repeats N] [--markdown]`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Figure, render_json, render_markdown
from benchmarks.machines import MANAGED_LESS, measure_machines
from benchmarks.measure import Bench, BenchmarkError
from benchmarks.rows import measure_growth, measure_inputs, measure_links, measure_nodes, measure_start
from benchmarks.topology import LEAST_NODES

_MACHINES = 200
"""Machines whose status is asked."""
_ROWS = ("start", "nodes", "links", "growth", "inputs", "machines")
"""Parts of the table that can be measured alone."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 even where a goal is missed (machines are noisy), 2 if nothing could be measured."""
    options = _parser().parse_args(arguments)
    if min(options.nodes) < LEAST_NODES:
        print(f"benchmarks: the reference network's shape needs {LEAST_NODES} nodes at least", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="netwright-bench-", dir=options.directory) as directory:
            figures = tuple(_measure(_bench(Path(directory), options.repeats), sorted(options.nodes), options.rows))
    except (BenchmarkError, OSError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    sys.stdout.write(render_markdown(figures) if options.markdown else render_json(figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure netwright against programs that everyone knows the speed of."
    )
    parser.add_argument("--nodes", type=int, nargs="+", default=[1000, 10000], metavar="N", help="sizes of a network")
    parser.add_argument("--rows", nargs="+", choices=_ROWS, default=_ROWS, help="parts of the table to measure alone")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs of each, of which the middle counts")
    parser.add_argument("--directory", metavar="DIR", help="where to work; a disk, if disks are what matters")
    parser.add_argument("--markdown", action="store_true", help="print a table instead of JSON")
    return parser


def _bench(directory: Path, repeats: int) -> Bench:
    """A bench whose programs see our code, compile it once and keep their cache to themselves."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent / "gen")
    environment["XDG_CACHE_HOME"] = str(directory / "cache")
    work = directory / "work"
    work.mkdir()
    return Bench(directory=work, environment=environment, repeats=repeats)


def _measure(bench: Bench, sizes: Sequence[int], rows: Container[str]) -> Iterator[Figure]:
    if "start" in rows:
        yield from _told(measure_start(bench))
    for nodes in sizes if "nodes" in rows else ():
        yield from _told(measure_nodes(bench, nodes))
    if "links" in rows:
        yield from _told(measure_links(bench, sizes[-1]))
    if "growth" in rows and len(sizes) > 1 and sizes[0] > LEAST_NODES:
        yield from _told(iter([measure_growth(bench, sizes[0], sizes[-1])]))
    if "inputs" in rows:
        yield from _told(measure_inputs(bench, min(1.0, sizes[-1] / 1000)))
    if "machines" in rows:
        yield from _told(measure_machines(bench, min(_MACHINES, sizes[-1] - MANAGED_LESS)))


def _told(figures: Iterator[Figure]) -> Iterator[Figure]:
    """The figures as they come, told to whoever waits at a terminal."""
    for figure in figures:
        if sys.stderr.isatty():
            print(f"{figure.work}: {figure.value:.2f} {figure.unit} (goal {figure.goal})", file=sys.stderr)
        yield figure


if __name__ == "__main__":
    sys.exit(main())
