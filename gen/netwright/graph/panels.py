"""A drawing cut into panels: each a host with the networks that are its own, and what is on them."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from netwright.graph.drawing import Box, Drawing


def split(drawing: Drawing) -> tuple[Drawing, tuple[Drawing, ...]]:
    """Return what hosts have in common, and a panel for each that has segments of its own; those that a box joins share
    one. A segment of several hosts stands in each of their panels, as a bar that is continued."""
    own = _own_segments(drawing)
    groups = _join(own, drawing.boxes)
    panels = []
    for segments in groups:
        boxes = tuple(box for box in drawing.boxes if segments & {*box.segments})
        met = {segment for box in boxes for segment in box.segments}
        panels.append(
            replace(
                drawing,
                segments=tuple(
                    replace(segment, is_continued=segment.name not in segments)
                    for segment in drawing.segments
                    if segment.name in met
                ),
                boxes=boxes,
            )
        )
    private = frozenset[str]().union(*groups)
    common = replace(
        drawing,
        segments=tuple(segment for segment in drawing.segments if segment.name not in private),
        boxes=tuple(box for box in drawing.boxes if not private & {*box.segments}),
    )
    return common, tuple(panels)


def _own_segments(drawing: Drawing) -> Mapping[str, str]:
    """Return the segments that only one host is on, each with its host: of libvirt's hosts if there are several, else
    of any box that joins segments. A device to the internet stands with what is common."""
    joining = [box for box in drawing.boxes if len(box.segments) > 1 and not box.internet]
    libvirt = [box for box in joining if box.libvirt]
    hosts: Sequence[Box] = libvirt if len(libvirt) > 1 else joining
    on: dict[str, list[str]] = {}
    for box in hosts:
        for segment in box.segments:
            on.setdefault(segment, []).append(box.title)
    outside = {segment for box in drawing.boxes if box.internet for segment in box.segments}
    return {segment: names[0] for segment, names in on.items() if len(names) == 1 and segment not in outside}


def _join(own: Mapping[str, str], boxes: Iterable[Box]) -> list[frozenset[str]]:
    """Return the segments of each panel, in the order of the hosts: those of one host, or of hosts that a box joins."""
    groups: dict[str, set[str]] = {}
    for segment, host in own.items():
        groups.setdefault(host, set()).add(segment)
    joined = [*groups.values()]
    for box in boxes:
        met = [group for group in joined if group & {*box.segments}]
        if len(met) > 1:
            first, *others = met
            first.update(*others)
            joined = [group for group in joined if group not in others]
    return [frozenset(group) for group in joined]
