"""The real systemd-networkd, reading a node's files: what it applies, and what it complains about."""

from collections.abc import Mapping

from netwright.lab.machine import LabMachine
from netwright.lab.networkd import is_settled, networkd, read_complaints, read_state
from tests.rigs.daemons import Applied, Managed, apply
from tests.rigs.wires import Node


def apply_networkd(nodes: Mapping[str, Node], *, seconds: float = 20) -> dict[str, Applied]:
    """Return the result of each node's networkd, all nodes at the same time.

    A card that never settles (its gateway is not on its link) keeps the state "configuring" and costs `seconds`.
    """
    return apply(
        nodes,
        networkd,
        is_settled=lambda machine, _, nics: is_settled(machine, [nic.name for nic in nics]),
        read_managed=_managed,
        read_complaints=read_complaints,
        seconds=seconds,
    )


def _managed(machine: LabMachine, nic: str) -> Managed:
    values = read_state(machine, nic)
    return Managed(
        state=values.get("ADMIN_STATE", ""),
        source=values.get("NETWORK_FILE"),
        dns=tuple(values.get("DNS", "").split()),
        domains=tuple(values.get("DOMAINS", "").split()),
    )
