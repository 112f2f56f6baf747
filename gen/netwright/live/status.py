"""What each machine has, beside what was reviewed."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct, field

from netwright.live.difference import Aspect, Difference, of_the_kernel
from netwright.live.files_and_units import compare_files, compare_units, uncollected_files
from netwright.live.wanted import Wanted
from netwright.text.counting import count
from netwright.verify.network_model.difference import Difference as KernelDifference
from netwright.verify.values.addresses import Prefix
from netwright.verify.values.live import LiveFile, LiveState

_FACTS: Mapping[Aspect, tuple[str, ...]] = {
    Aspect.FILES: ("files", "digests"),
    Aspect.UNITS: ("units",),
    Aspect.ADDRESSES: ("addresses",),
    Aspect.ROUTES: ("routes",),
    Aspect.RULES: ("rules",),
    Aspect.SYSCTLS: ("parameters",),
    Aspect.NFT: ("ruleset",),
}
"""The facts of a record that each comparison needs."""


class NodeStatus(Struct, frozen=True, kw_only=True):
    """A machine's state: `problem` is why nothing is known of it. `unread` has the reason for each aspect that could
    not be compared, or not wholly; `remarks` are what else is to be known."""

    node: str
    problem: str | None = None
    differences: tuple[Difference, ...] = ()
    unread: Mapping[Aspect, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def is_as_reviewed(self) -> bool:
        """Return whether all of it was read and nothing differs."""
        return self.problem is None and not self.differences and not self.unread

    def of(self, aspect: Aspect) -> tuple[Difference, ...]:
        """The differences of one aspect."""
        return tuple(one for one in self.differences if one.aspect is aspect)


def judge(
    wanted: Wanted,
    state: LiveState,
    *,
    hostname: str,
    pods: Iterable[Prefix],
    in_the_kernel: Iterable[KernelDifference] = (),
    past: Callable[[Mapping[str, LiveFile]], str | None] = lambda _files: None,
) -> NodeStatus:
    """Return the status of a machine. `hostname` and `pods`, its pod networks, are the topology's; `in_the_kernel` is
    what differs of addresses, routes, rules and sysctls. `past` names an older state of OUT that has given files."""
    unread = dict(_unread(state))
    uncollected = uncollected_files(wanted, state) if state.files is not None else ()
    if uncollected:
        more = f" and {count(len(uncollected) - 1, 'other file')}" if uncollected[1:] else ""
        unread[Aspect.FILES] = f"{uncollected[0]}{more}: not collected; take the script of netwright collect"
    differences = (
        *compare_files(wanted, state),
        *compare_units(wanted, state),
        *map(of_the_kernel, in_the_kernel),
        *_compare_pods(state, frozenset(pods)),
    )
    remarks = [*_remarks(wanted, state, hostname)]
    if state.files is not None and any(one.aspect is Aspect.FILES and one.kind != "extra" for one in differences):
        remarks += filter(None, [past(state.files)])
    return NodeStatus(node=wanted.node, differences=differences, unread=unread, remarks=tuple(remarks))


def _unread(state: LiveState) -> Iterator[tuple[Aspect, str]]:
    for aspect, facts in _FACTS.items():
        faults = [f"{fact}: {state.unread[fact]}" for fact in facts if fact in state.unread]
        if faults:
            yield aspect, "; ".join(faults)
    hidden = [path for path, file in (state.files or {}).items() if file.digest is None and file.target is None]
    if hidden and Aspect.FILES not in state.unread:
        more = f" and {count(len(hidden) - 1, 'other file')}" if hidden[1:] else ""
        yield Aspect.FILES, f"{hidden[0]}{more}: only root may read it; let sudo -n work, or collect as root"


def _compare_pods(state: LiveState, wanted: frozenset[Prefix]) -> Iterator[Difference]:
    """Yield what flannel gave the node for its pods, where the topology has another network."""
    found = state.pod_network
    if found is None or not wanted or found in wanted:
        return
    expected = ", ".join(sorted(map(str, wanted)))
    yield Difference(aspect=Aspect.PODS, kind="different", what="pod network", expected=expected, found=str(found))


def _remarks(wanted: Wanted, state: LiveState, hostname: str) -> Iterator[str]:
    if state.hostname and _first_label(state.hostname) != _first_label(hostname):
        yield f"the machine calls itself {state.hostname}, and the topology {hostname}: is it {wanted.node}?"
    if not wanted.managed:
        yield "a person configures it by its hand-off sheet: files and units are not compared"
    other = {node: network for node, network in (state.pod_networks or {}).items() if node == wanted.node}
    if state.pod_network is None and other:
        yield f"K3s gave it {other[wanted.node]} for pods, and flannel has not started"


def _first_label(hostname: str) -> str:
    return hostname.partition(".")[0].lower()
