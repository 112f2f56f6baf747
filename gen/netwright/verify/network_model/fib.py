"""The FIB, where a kernel looks up an IP: tables flattened to sorted intervals, asked by policy rules in order."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.values.addresses import EVERYWHERE, LAST_IP, AddressNumber, Prefix
from netwright.verify.values.facts import MAIN_TABLE, TABLE_NAMES, Origin, PolicyRule, RouteKind

LOCAL_TABLE = TABLE_NAMES["local"]
LOOPBACK = "lo"
_DEFAULT_TABLE = TABLE_NAMES["default"]
_LOCAL_RULE, _MAIN_RULE, _DEFAULT_RULE = 0, 32766, 32767
_REJECTING: frozenset[RouteKind] = frozenset({"unreachable", "blackhole", "prohibit"})
_BUILT_IN = Origin(file="the kernel's own policy rules", line=0)


HopKind = Literal[RouteKind, "broadcast"]


class Hop(Struct, frozen=True, kw_only=True):
    """Result of a route.

    Without a gateway the target itself is asked for on the interface. `owner` is set on flannel's own routes: the node
    to which the overlay carries the packet. `ambiguous`: two routes differ in nothing but where they lead. `source` is
    that of the machine's own packets, None for an address of the interface.

    `ways` are the next hops of a route that has several, of which the kernel takes one for each pair of addresses; then
    it has no interface itself. It is `partial` where the kernel may know one of them only. One of `ways` has the number
    of them as `among`.
    """

    kind: HopKind
    interface: str | None
    gateway: AddressNumber | None
    prefix: Prefix
    metric: int
    origin: Origin
    owner: str | None = None
    ambiguous: bool = False
    mtu: int | None = None
    source: AddressNumber | None = None
    ways: tuple["Hop", ...] = ()
    partial: bool = False
    among: int = 1

    @property
    def every(self) -> tuple["Hop", ...]:
        """The next hops of which one is taken; itself where there are not several."""
        return self.ways or (self,)

    def __str__(self) -> str:
        if self.ways:
            return f"{self.prefix} by one of {len(self.ways)} next hops"
        way = f" via {'.'.join(str(self.gateway >> shift & 255) for shift in (24, 16, 8, 0))}" if self.gateway else ""
        kind = "" if self.kind == "unicast" else f"{self.kind} "
        share = f", one of {self.among} next hops" if self.among > 1 else ""
        return f"{kind}{self.prefix}{way}{f' dev {self.interface}' if self.interface else ''}{share}"


class FlatTable:
    """A table as sorted intervals, each with the hop of its longest prefix and lowest metric, or none; `routes` are
    all that it was made of."""

    def __init__(self, hops: Iterable[Hop]) -> None:
        """Takes the best hop of every prefix; of equals the first."""
        best: dict[tuple[int, int], Hop] = {}
        self.routes = tuple(hops)
        for hop in self.routes:
            key = (hop.prefix.first, hop.prefix.length)
            if key not in best or hop.metric < best[key].metric:
                best[key] = hop
        self.starts: list[int] = [0]
        self.hops: list[Hop | None] = [None]
        around: list[tuple[int, Hop | None]] = [(LAST_IP, None)]
        for key in sorted(best):
            while around[-1][0] < key[0]:
                last, _ = around.pop()
                self._begin(last + 1, around[-1][1])
            self._begin(key[0], best[key])
            around.append((best[key].prefix.last, best[key]))
        while len(around) > 1:
            last, _ = around.pop()
            if last < LAST_IP:
                self._begin(last + 1, around[-1][1])

    def _begin(self, start: int, hop: Hop | None) -> None:
        if self.starts[-1] == start:
            self.hops[-1] = hop
        else:
            self.starts.append(start)
            self.hops.append(hop)

    def find(self, ip: int) -> Hop | None:
        """The hop for the IP, None if no prefix holds it."""
        return self.hops[bisect_right(self.starts, ip) - 1]


def default_rules() -> tuple[PolicyRule, ...]:
    """The three rules that every kernel has."""
    return tuple(
        PolicyRule(priority=priority, table=table, origin=_BUILT_IN)
        for priority, table in ((_LOCAL_RULE, LOCAL_TABLE), (_MAIN_RULE, MAIN_TABLE), (_DEFAULT_RULE, _DEFAULT_TABLE))
    )


_DEFAULT_RULES = default_rules()


class Overlay:
    """The routes that flannel gives every node: each pod network to the node that owns it.

    One object for all nodes: the routes differ only in what a node leaves out, its own.
    """

    def __init__(self, hops: Iterable[Hop], route: Prefix | None = None) -> None:
        """Takes one hop, with its owner, a pod network; `route` is the prefix of the one route that stands for all."""
        self.table = FlatTable(hops)
        if route is not None:
            self.table.hops = [hop and replace(hop, prefix=route) for hop in self.table.hops]

    def find(self, ip: int, node: str) -> Hop | None:
        """The hop that the node has for the IP."""
        hop = self.table.find(ip)
        return None if hop is None or hop.owner == node else hop


class Fib:
    """All of one machine's tables and policy rules."""

    def __init__(
        self,
        *,
        node: str,
        local: dict[int, Hop],
        tables: dict[int, Sequence[Hop]],
        rules: Sequence[PolicyRule],
        overlay: Overlay | None = None,
        overlay_interface: str | None = None,
        built_in: Sequence[PolicyRule] = _DEFAULT_RULES,
    ) -> None:
        """`local` holds the machine's own IPs and the broadcast IPs of its networks. `overlay_interface` is where the
        overlay's gateways have to be neighbours (host-gw), None where it has a device of its own. `rules` come on top
        of the `built_in` ones."""
        self.node = node
        self.local = local
        self.tables = {number: FlatTable(hops) for number, hops in tables.items()}
        self.custom = bool(rules)
        self.rules = sorted((*built_in, *rules), key=lambda rule: rule.priority) if rules else built_in
        self.overlay = overlay
        self.overlay_interface = overlay_interface

    def find(self, destination: int, source: int, incoming: str) -> Hop | None:
        """Return the kernel's lookup; None where no rule and table has an answer. `incoming` is lo for own packets."""
        if not self.custom and not self.tables.keys() & {_DEFAULT_TABLE, LOCAL_TABLE}:
            hop = self.local.get(destination) or self._in_main(destination)
            return None if hop is not None and hop.kind == "throw" else hop
        for rule in self.rules:
            if not _applies(rule, destination, source, incoming):
                continue
            if rule.kind != "lookup":
                return Hop(
                    kind=rule.kind, interface=None, gateway=None, prefix=EVERYWHERE, metric=0, origin=rule.origin
                )
            hop = self._in_table(rule.table, destination)
            if hop is None or hop.kind == "throw":
                continue
            # What rejects is no route to suppress: the kernel ends the search with it.
            if rule.suppress is None or hop.prefix.length > rule.suppress or hop.kind in _REJECTING:
                return hop
        return None

    @property
    def has_local_routes(self) -> bool:
        """Return whether routes make more addresses than its own the machine's."""
        return LOCAL_TABLE in self.tables

    def find_local(self, ip: int) -> Hop | None:
        """Return what the table `local` has for an IP: the machine's own addresses, and routes of that type."""
        hop = self.local.get(ip)
        table = self.tables.get(LOCAL_TABLE)
        return table.find(ip) if hop is None and table is not None else hop

    def _in_table(self, number: int, ip: int) -> Hop | None:
        if number == LOCAL_TABLE:
            return self.find_local(ip)
        if number == MAIN_TABLE:
            return self._in_main(ip)
        table = self.tables.get(number)
        return table.find(ip) if table else None

    def _in_main(self, ip: int) -> Hop | None:
        table = self.tables.get(MAIN_TABLE)
        hop = table.find(ip) if table else None
        if self.overlay is not None:
            lease = self._lease(self.overlay, ip)
            if lease is not None and (hop is None or _beats(lease, hop)):
                return lease
        return hop

    def _lease(self, overlay: Overlay, ip: int) -> Hop | None:
        lease = overlay.find(ip, self.node)
        if lease is None or self.overlay_interface is None:
            return lease
        table = self.tables.get(MAIN_TABLE)
        near = table.find(lease.gateway or 0) if table else None
        if near is None or near.gateway is not None or near.interface != self.overlay_interface:
            return None
        return replace(lease, interface=self.overlay_interface)


def _beats(one: Hop, other: Hop) -> bool:
    return (one.prefix.length, -one.metric) >= (other.prefix.length, -other.metric)


def _applies(rule: PolicyRule, destination: int, source: int, incoming: str) -> bool:
    return (
        source in rule.source
        and destination in rule.destination
        and (rule.incoming is None or rule.incoming == incoming)
        and not rule.mark & rule.mask  # no packet has a mark: a rule that sets one is not known
    )
