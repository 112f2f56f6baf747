"""What other programs on the machines do to packets: keepalived's heartbeat."""

from gen.verify.findings import Finding, Findings
from gen.verify.heartbeat import check_heartbeats
from gen.verify.walk import Memory
from gen.verify.wiring import HeldAddress
from tests.verify.kernel.world import Box, World, ip_number, model_of

VIP = ip_number("10.1.0.100")


def _closed(*accepted: str) -> str:
    lines = ["type filter hook input priority filter; policy drop;", *(f"{one} accept" for one in accepted)]
    return "table inet own {\n\tchain input {\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}\n}\n"


def _unheard(*accepted: str) -> tuple[Finding, ...]:
    """What is found of two holders, the second of which has a closed input."""
    one = Box(name="one", cards={"e0": ("s1", ("10.1.0.11/24",))})
    two = Box(name="two", cards={"e0": ("s1", ("10.1.0.12/24",))}, nft=_closed(*accepted))
    held = [HeldAddress(ip=VIP, node=name, interface="e0") for name in ("one", "two")]
    findings = Findings()
    check_heartbeats(model_of(World(boxes=(one, two), pairs=())), Memory(), held, findings)
    return findings.grouped()


def test_holders_hear_each_other_by_multicast_or_by_unicast() -> None:
    assert _unheard("ip daddr 224.0.0.18 meta l4proto 112") == ()
    assert _unheard("ip daddr 10.1.0.12 meta l4proto 112") == ()


def test_a_holder_that_hears_no_other_is_found() -> None:
    found = _unheard("meta l4proto tcp")

    assert [(one.kind, one.nodes) for one in found] == [("VRRP_UNHEARD", ("two",))]
