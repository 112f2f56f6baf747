"""Drawing without coordinates: segments, boxes for nodes, and the links between them."""

from msgspec import Struct


class DrawnSegment(Struct, frozen=True, kw_only=True):
    """A layer-2 segment: its heading, a line for each further thing to know, and whether a flow ends at it as such.

    In a panel one that has more elsewhere `is_continued`.
    """

    name: str
    heading: str
    lines: tuple[str, ...]
    is_end: bool
    is_continued: bool = False


class DrawnLink(Struct, frozen=True, kw_only=True):
    """An interface on a segment (of a folded box: of all its nodes); a flow starts where it `is_start`, ends where it
    `is_end`.

    That of a pool is no cable: its addresses are answered for by nodes.
    """

    segment: str
    interface: str
    addresses: tuple[str, ...]
    traced: bool
    is_start: bool
    is_end: bool
    is_cable: bool = True


class Box(Struct, frozen=True, kw_only=True):
    """A node, or many that are alike: title, what it is, line by line, pod networks, port forwards, links in the node's
    order.

    `leads_on`: the flow goes through one of its port forwards. Of no node, it is a pool of addresses.
    """

    names: tuple[str, ...]
    title: str
    lines: tuple[str, ...]
    pods: tuple[str, ...]
    forwards: tuple[str, ...]
    links: tuple[DrawnLink, ...]
    managed: bool
    libvirt: bool
    internet: bool
    from_internet: bool
    to_internet: bool
    from_pods: bool
    leads_on: bool

    @property
    def is_pool(self) -> bool:
        """Return whether it is a pool of addresses, which any of several nodes answers for."""
        return not self.names

    @property
    def traced(self) -> bool:
        """Return whether the flow goes over one of its links."""
        return any(link.traced for link in self.links)

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments that it is on, each once."""
        return tuple(dict.fromkeys(link.segment for link in self.links))


class Caption(Struct, frozen=True, kw_only=True):
    """Caption of the flow: its name, its summary, and whether it is allowed."""

    flow: str
    summary: str
    allow: bool


class Drawing(Struct, frozen=True, kw_only=True):
    """A topology to be drawn: segments from the internet inwards, boxes in natural order, a flow's caption."""

    title: str
    segments: tuple[DrawnSegment, ...]
    boxes: tuple[Box, ...]
    caption: Caption | None
