"""What wanted and denied cases have in common: addresses that are not there, what no file decides, and examples."""

from collections.abc import Callable

from netwright.verify.network_model.network import Network, describe_place
from netwright.verify.network_model.trace import Decision, End
from netwright.verify.proof.cases import Case
from netwright.verify.proof.findings import Example, Findings
from netwright.verify.proof.heartbeat import announcement
from netwright.verify.values.addresses import is_public
from netwright.verify.values.packets import PROTOCOLS
from netwright.verify.values.wiring import Flow, Plugin

_VRRP = PROTOCOLS["vrrp"]


def announced(network: Network, flow: Flow, case: Case) -> End | None:
    """Return where a case's VRRP to its group ends, None if it is about something else."""
    if case.traffic.protocol != _VRRP or all(traffic.protocol != "vrrp" for traffic in flow.traffic):
        return None
    return announcement(network, case.source.first, case.destination.first)


def misses_address(network: Network, flow: Flow, case: Case, findings: Findings) -> bool:
    """Return whether an end has another address than the topology gives it: the case is unknown then."""
    mismatch = network.mismatch(case.source.first, case.destination.first)
    if mismatch is None:
        return False
    findings.add(
        mismatch.kind,
        mismatch.cause,
        mismatch.machine.name,
        flow=flow.name,
        pairs=case.pairs,
        origin=mismatch.origin,
    )
    return True


def beyond_the_files(network: Network, case: Case) -> str | None:
    """Return why no file decides the case, None if files do."""
    services = network.wiring.services
    if services is not None and case.destination.first in services:
        return f"what answers at service addresses ({services}) is kube-proxy's matter"
    if case.start.kind == "outside" and not is_public(case.destination.first):
        return "how the internet reaches private addresses is not in the files"
    plugin = network.assumptions.plugin
    return _of_plugin(plugin, case) if plugin is not None else None


def _of_plugin(plugin: Plugin, case: Case) -> str | None:
    """Return why the network plugin decides the case, None if it does not."""
    name = "the network plugin" if plugin.name == "other" else plugin.name
    from_pod = case.start.kind == "pod"
    to_pod = case.destination.place is not None and case.destination.place.kind == "pod"
    if plugin.leads and (from_pod or to_pod):
        return f"how {name} leads packets of pods is not in the files"
    if plugin.masquerades and from_pod and not to_pod:
        return f"which address {name} gives to what pods send is not in the files"
    return None


_Ways = tuple[tuple[Decision, ...], tuple[Decision, ...]]


def make_example(flow: Flow, case: Case, decisions: Callable[[], _Ways]) -> Callable[[], Example]:
    """Return what makes the example of a case, once it is asked for."""

    def make() -> Example:
        there, back = decisions()
        return Example(
            flow=flow.name,
            source=str(case.source),
            sender=describe_place(case.source.place),
            destination=str(case.destination),
            receiver=describe_place(case.destination.place),
            traffic=str(case.traffic),
            there=there,
            back=back,
        )

    return make
