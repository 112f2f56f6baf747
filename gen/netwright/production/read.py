"""A topology file -> Topology: load, schema, parse and checks, each stopping the next if it finds an error."""

import os

from msgspec import Struct

from netwright.checks import check
from netwright.model import Topology
from netwright.parse import parse
from netwright.production.consequences import without_consequences
from netwright.schema.topology_schema import validate
from netwright.text.load import load, read_source
from netwright.text.report import Report
from netwright.text.source import Source

TOPOLOGY_SCHEMA = "topology.schema.yaml"


class ReadTopology(Struct, frozen=True, kw_only=True):
    """A topology file as far as it could be read; the topology is None if there are errors."""

    source: Source | None
    topology: Topology | None
    report: Report


def read_topology(path: str | os.PathLike[str]) -> ReadTopology:
    """The topology in a file, with all findings on it."""
    source, report = read_source(path)
    if source is None:
        return ReadTopology(source=None, topology=None, report=report)
    document, loading = load(source)
    report += loading
    if document is None or report.errors:
        return ReadTopology(source=source, topology=None, report=report)
    report += Report.about(source, validate(document, TOPOLOGY_SCHEMA))
    if report.errors or not isinstance(document, dict):
        return ReadTopology(source=source, topology=None, report=report)
    topology, diagnostics = parse(document)
    report += Report.about(source, diagnostics)
    if not report.errors:
        report += Report.about(source, without_consequences(document, topology, check(topology)))
    return ReadTopology(source=source, topology=None if report.errors else topology, report=report)
