"""Records of a cluster's machines: asked over ssh, or read from a directory."""

import os
from collections.abc import Callable, Mapping, Sequence

from netwright.live.remote import Answer, Target, collect, own_places
from netwright.verify.reading.disk import Unread, read_file
from netwright.verify.reading.record import MOST_OCTETS, SUFFIX

NOT_COLLECTED = "not collected"


def read_records(directory: str, nodes: Sequence[str]) -> dict[str, Answer]:
    """Return the record of each node from the file NODE.facts; a node without one has a problem."""
    return {node: _read_one(f"{directory}/{node}{SUFFIX}", node) for node in nodes}


def _read_one(path: str, node: str) -> Answer:
    content = read_file(os.path.realpath(path), MOST_OCTETS)
    if isinstance(content, Unread):
        return Answer(node=node, record=None, problem=f"{path} {content.reason}")
    return Answer(node=node, record=content, problem=NOT_COLLECTED if content is None else None)


def foreign_records(directory: str, nodes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of files in the directory that look like records and are of no node. Raises OSError."""
    names = (name.removesuffix(SUFFIX) for name in os.listdir(directory) if name.endswith(SUFFIX))
    return tuple(sorted(set(names) - {*nodes}))


def ask_machines(
    addresses: Mapping[str, str | None],
    script: str,
    *,
    options: Sequence[str],
    at_once: int,
    advance: Callable[[int], None],
) -> dict[str, Answer]:
    """Return the answer of each node; `addresses` are those of the topology, for nodes that ssh's own configuration has
    nowhere. Raises SshError."""
    known = own_places([*addresses], options)
    targets = [Target(node=node, address=None if node in known else address) for node, address in addresses.items()]
    found = {one.node: one for one in collect(targets, script, options=options, at_once=at_once, advance=advance)}
    return {node: found[node] for node in addresses}
