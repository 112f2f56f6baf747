"""Boxes from which the rules' worlds are made: a client, a router, a server, and what one case changes."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from netwright.verify.values.outcome import Outcome
from tests.verify.kernel.world import Box, Route, World

CLIENT, SERVER = "10.1.0.10", "10.2.0.10"
SYSCTL = "net.ipv4.conf."


class RuleCase(Struct, frozen=True, kw_only=True):
    """A world, who talks to whom, and what must come of it over icmp, tcp or udp; `source` is what the
    receiver sees."""

    world: World
    outcome: Outcome
    source: str | None = CLIENT
    over: str = "icmp"
    pair: tuple[str, str] = (CLIENT, SERVER)

    def __post_init__(self) -> None:
        """The pair is the world's first."""
        assert self.world.pairs[0] == self.pair


def client(**changes: object) -> Box:
    box = Box(
        name="client",
        cards={"e0": ("s1", ("10.1.0.10/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
    )
    return replace(box, **changes)


def server(**changes: object) -> Box:
    box = Box(
        name="server",
        cards={"e0": ("s2", ("10.2.0.10/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.2.0.1", dev="e0"),),
    )
    return replace(box, **changes)


def router(*sysctls: str, **changes: object) -> Box:
    box = Box(
        name="router",
        cards={"n0": ("s1", ("10.1.0.1/24",)), "n1": ("s2", ("10.2.0.1/24",))},
        sysctls=("net.ipv4.ip_forward = 1", *(SYSCTL + line for line in sysctls)),
    )
    return replace(box, **changes)


def case(
    outcome: Outcome,
    *boxes: Box,
    source: str | None = CLIENT,
    over: str = "icmp",
    pair: tuple[str, str] = (CLIENT, SERVER),
) -> RuleCase:
    named = {box.name: box for box in (client(), router(), server())} | {box.name: box for box in boxes}
    world = World(boxes=tuple(named.values()), pairs=(pair,))
    return RuleCase(world=world, outcome=outcome, source=source, over=over, pair=pair)


def nft(*chains: Sequence[str], name: str = "rules") -> str:
    # Chains that others jump to stand behind the base chain here, and before it in the file.
    text = f"table inet {name} {{\n"
    for number, lines in reversed([*enumerate(chains)]):
        text += f"\tchain c{number} {{\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}\n"
    return text + "}\n"


FORWARD = "type filter hook forward priority filter;"
NAT = "type nat hook postrouting priority srcnat;"
OK = Outcome.ACCEPTED
THERE = "ip daddr 10.2.0.10"
# A second host of the client's segment, which would be a wrong next hop.
STRANGER = Box(name="stranger", cards={"e0": ("s1", ("10.1.0.77/24",))})
# Two networks on one segment: the client reaches the server directly, the server answers by the router.
SHARED_ROUTER = Box(
    name="router", cards={"n0": ("s1", ("10.1.0.1/24", "10.2.0.1/24"))}, sysctls=("net.ipv4.ip_forward = 1",)
)
SHARED_SERVER = server(cards={"e0": ("s1", ("10.2.0.10/24",))})
SHARED_CLIENT = client(routes=(Route(to="10.2.0.0/24", dev="e0"),))
STATEFUL = nft([f"{FORWARD} policy drop;", "ct state established,related accept", f"{THERE} accept"])
AWAY = Route(to="10.1.0.10/32", dev="n1")
