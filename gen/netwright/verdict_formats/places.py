"""Places that findings are shown at: lines of OUT, or of the topology where no file is to blame."""

import os
from collections.abc import Iterable, Iterator

from msgspec import Struct

from netwright.text.source import TopologyPath, locate
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Finding
from netwright.verify.values.facts import Origin


class Place(Struct, frozen=True, kw_only=True):
    """A line of a file; the path is as the user named OUT or the topology, and lines count from 1."""

    path: str
    line: int


def is_file(judgement: Judgement, origin: Origin) -> bool:
    """Return whether an origin is a file of OUT; rules of other programs have origins too."""
    return os.path.isfile(os.path.join(judgement.out, origin.file))


def place_of(judgement: Judgement, origin: Origin) -> Place:
    """Return where an origin is, which is a file of OUT."""
    return Place(path=os.path.join(judgement.out, origin.file), line=max(origin.line, 1))


def places_of(judgement: Judgement, origins: Iterable[Origin]) -> Iterator[Place]:
    """Yield where origins are, as far as they are files of OUT."""
    return (place_of(judgement, origin) for origin in origins if is_file(judgement, origin))


def in_topology(judgement: Judgement, path: TopologyPath) -> Place:
    """Return the line of the topology where a value stands."""
    place = locate(judgement.topology, (path,))[path]
    return Place(path=judgement.topology.name, line=(place.key or place.value).line)


def nearest(judgement: Judgement, finding: Finding) -> Place:
    """Return where the topology speaks of what a finding is about: its first flow, else its first node."""
    return in_topology(judgement, ("flows", finding.flows[0]) if finding.flows else ("nodes", finding.nodes[0]))
