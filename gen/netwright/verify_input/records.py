"""A directory of records, one NODE.facts for each machine that was collected -> the records by node."""

import os
from collections.abc import Mapping

from netwright.model import Node
from netwright.text.counting import list_some
from netwright.topology.resolved import ResolvedTopology
from netwright.verify.network_model.live_machine import Record
from netwright.verify.reading.disk import Unread, read_file
from netwright.verify.reading.live_state import read_live_state
from netwright.verify.reading.record import MOST_OCTETS, SUFFIX, RecordError
from netwright.verify.values.live import LiveState

_NAMED = 8


class RecordFault(Exception):  # noqa: N818
    """A directory of records with which nothing can be done."""

    def __init__(self, path: str, reason: str) -> None:
        """Takes what is wrong, and why."""
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def read_records(folder: str, resolved: ResolvedTopology) -> Mapping[str, Record]:
    """The records below a directory, by their nodes. Raises RecordFault."""
    try:
        names = sorted(name.removesuffix(SUFFIX) for name in os.listdir(folder) if name.endswith(SUFFIX))
    except OSError as error:
        raise RecordFault(folder, f"can't be read: {error.strerror}; name a directory of NODE.facts") from None
    nodes = {node.name: node for node in resolved.topology.nodes}
    if not names:
        raise RecordFault(folder, "has no record; netwright collect prints the script that makes NODE.facts")
    for name in names:
        if name not in nodes:
            known = list_some([*nodes], _NAMED)
            raise RecordFault(f"{folder}/{name}{SUFFIX}", f"is named after no node of the topology ({known})")
    return {name: _read(f"{folder}/{name}{SUFFIX}", nodes[name]) for name in names}


def _read(path: str, node: Node) -> Record:
    content = read_file(os.path.realpath(path), MOST_OCTETS)
    if content is None or isinstance(content, Unread):
        raise RecordFault(path, "is not there" if content is None else content.reason)
    try:
        state = read_live_state(node.name, content)
    except RecordError as error:
        raise RecordFault(path, str(error)) from None
    _check_hostname(path, state, node)
    return Record(state=state, place=path)


def _check_hostname(path: str, state: LiveState, node: Node) -> None:
    """A record is the node's by its hostname, which the topology does not know of a device configured by hand."""
    wanted, found = node.hostname.value, state.hostname
    is_known = node.os is None or node.os.value.name != "unmanaged"
    if is_known and wanted.partition(".")[0].lower() != found.partition(".")[0].lower():
        reason = f"is the record of a machine named {found}; {node.name} has the hostname {wanted}"
        raise RecordFault(path, f"{reason}: collect it there, or give the file its node's name")
