"""keepalived.conf: who holds a virtual address, and whether one alone does, as keepalived itself makes it."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack

import pytest
from msgspec.structs import replace

from netwright.lab.machine import File, LabMachine, boot
from netwright.lab.machine import poll as await_that
from netwright.verify.proof.findings import Finding, Findings
from netwright.verify.proof.vrrp import check_instances
from netwright.verify.reading.formats.keepalived import read_keepalived
from netwright.verify.values.facts import Unknown
from netwright.verify.values.wiring import HeldAddress
from tests.rigs.wires import Nic, await_carriers, wire
from tests.verify.kernel.world import Box, World, ip_number, model_of

VIP = "10.1.0.100"
_SECRET = "  authentication {\n    auth_type PASS\n    auth_pass %s\n  }\n"
_PEER = "  unicast_peer {\n    %s\n  }\n"


def _conf(
    *,
    router_id: str = "51",
    card: str = "eth0",
    addresses: str = VIP,
    priority: int = 100,
    more: str = "",
    head: str = "",
) -> str:
    return (
        f"global_defs {{\n{head}}}\nvrrp_instance api {{\n  state BACKUP\n  interface {card}\n"
        f"  virtual_router_id {router_id}\n  priority {priority}\n  advert_int 1\n{more}"
        f"  virtual_ipaddress {{\n    {addresses}\n  }}\n}}\n"
    )


_OTHER = _conf(priority=90)
ALONE: Mapping[str, tuple[str, str]] = {
    "alike": (_conf(), _OTHER),
    "with-a-length": (_conf(addresses=f"{VIP}/24"), _OTHER),
    "with-all-words": (_conf(addresses=f"{VIP}/24 brd 10.1.0.255 dev eth0 label eth0:1 scope global # why"), _OTHER),
    "on-one-line": (_conf().replace(f"{{\n    {VIP}\n  }}", f"{{ {VIP} }}"), _OTHER),
    "with-a-brace-on-the-next-line": (_conf().replace("vrrp_instance api {", "vrrp_instance api\n{"), _OTHER),
    "with-a-comment": (_conf(addresses=f"{VIP}\n    ! 10.1.0.111"), _OTHER),
    "with-one-secret": (_conf(more=_SECRET % "abc"), _conf(priority=90, more=_SECRET % "abc")),
    "with-peers": (_conf(more=_PEER % "10.1.0.3"), _conf(priority=90, more=_PEER % "10.1.0.2")),
    "with-a-peer-that-the-lower-lacks": (_conf(more=_PEER % "10.1.0.3"), _conf(priority=90, more=_PEER % "10.1.0.9")),
}
BOTH: Mapping[str, tuple[str, str]] = {
    "another-number": (_conf(), _conf(router_id="52", priority=90)),
    "a-number-said-again": (_conf(more="  virtual_router_id 60\n"), _OTHER),
    "another-interval": (_conf(), _OTHER.replace("advert_int 1", "advert_int 3")),
    "another-secret": (_conf(more=_SECRET % "abc"), _conf(priority=90, more=_SECRET % "xyz")),
    "one-secret": (_conf(more=_SECRET % "abc"), _OTHER),
    "more-addresses": (_conf(addresses=f"{VIP}\n    10.1.0.101"), _OTHER),
    "one-with-peers": (_conf(more=_PEER % "10.1.0.3"), _OTHER),
    "another-version": (_conf(head="  vrrp_version 3\n"), _OTHER),
    "a-peer-that-the-higher-lacks": (_conf(more=_PEER % "10.1.0.9"), _conf(priority=90, more=_PEER % "10.1.0.2")),
}
# keepalived ends, or leaves out what is not understood.
REFUSED: Mapping[str, str] = {
    "no-number": _conf().replace("  virtual_router_id 51\n", ""),
    "number-0": _conf(router_id="0"),
    "number-256": _conf(router_id="256"),
    "no-interface": _conf().replace("  interface eth0\n", ""),
    "no-address": _conf(addresses="10.1.0.300"),
    "a-name-twice": _conf() + _conf(router_id="52", addresses="10.1.0.101"),
    "an-open-brace": _conf()[:-2],
}
MISPLACED = {"another-card": _conf(card="eth9"), "another-device": _conf(addresses=f"{VIP} dev eth9")}


def _findings(*confs: str, held: tuple[str, ...] = ("one", "two")) -> tuple[Finding, ...]:
    """Return the findings on two nodes with these files, of which some are to hold the address."""
    boxes = [
        Box(name=name, cards={"eth0": ("s", (f"10.1.0.{number}/24",)), "eth1": ("t", (f"10.2.0.{number}/24",))})
        for number, name in enumerate(("one", "two"), start=2)
    ]
    unknown: list[Unknown] = []
    read = {name: read_keepalived(name, text, unknown) for name, text in zip(("one", "two"), confs, strict=False)}
    assert unknown == []
    findings = Findings()
    holders = [HeldAddress(ip=ip_number(VIP), node=name, interface="eth0") for name in held]
    check_instances(replace(model_of(World(boxes=tuple(boxes), pairs=())), vrrp=read), holders, findings)
    return findings.grouped()


def test_one_of_two_holders_has_the_address_where_verify_finds_nothing_else() -> None:
    if shutil.which("keepalived") is None:
        pytest.skip("needs keepalived")
    cases = {**ALONE, **BOTH}
    names = [f"{case}.{number}" for case in cases for number in "12"]
    with boot(*names) as booted, ExitStack() as daemons:
        machines = {machine.name: machine for machine in booted}
        for case, confs in cases.items():
            pair = machines[f"{case}.1"], machines[f"{case}.2"]
            for card in ("eth0", "eth1"):
                wire(pair[0], Nic(name=card), pair[1], Nic(name=card))
            for number, (machine, conf) in enumerate(zip(pair, confs, strict=True), start=2):
                _start(machine, number, conf, daemons)
        await_carriers(*booted)
        wanted = {case: (True, case in BOTH) for case in cases}
        await_that(lambda: _holders(machines, cases) == wanted, seconds=40, interval=0.5)
        found = _holders(machines, cases)

    assert found == wanted
    assert [case for case in ALONE if [one for one in _findings(*ALONE[case]) if one.severity == "error"]] == []
    kinds = {case: [one.kind for one in _findings(*BOTH[case]) if one.severity == "error"] for case in BOTH}
    assert kinds == {case: ["VRRP_UNHEARD"] for case in BOTH}


def _start(machine: LabMachine, number: int, conf: str, daemons: ExitStack) -> None:
    machine.run("ip", "link", "set", "lo", "up")
    for place, card in enumerate(("eth0", "eth1"), start=1):
        machine.run("ip", "link", "set", card, "up")
        machine.run("ip", "address", "add", f"10.{place}.0.{number}/24", "dev", card)
    machine.install([File(path="/etc/keepalived/keepalived.conf", content=conf.encode())])
    pids = ("--pid=/run/1.pid", "--vrrp_pid=/run/2.pid", "--checkers_pid=/run/3.pid")
    daemons.enter_context(machine.daemon("keepalived", "--dont-fork", "--log-console", *pids))


def _holders(machines: Mapping[str, LabMachine], cases: Mapping[str, object]) -> dict[str, tuple[bool, bool]]:
    def has(name: str) -> bool:
        return f" {VIP}/" in machines[name].run("ip", "-4", "-oneline", "address").stdout

    return {case: (has(f"{case}.1"), has(f"{case}.2")) for case in cases}


def test_what_keepalived_refuses_is_unknown() -> None:
    if shutil.which("keepalived") is None:
        pytest.skip("needs keepalived")
    with boot("n") as (machine,):
        machine.run("ip", "link", "add", "eth0", "type", "bridge")
        tried = {**REFUSED, **MISPLACED, **{case: confs[0] for case, confs in {**ALONE, **BOTH}.items()}}
        machine.install(File(path=f"/etc/keepalived/{case}", content=text.encode()) for case, text in tried.items())
        refused = [
            case
            for case in tried
            if machine.run("keepalived", "--config-test", f"--use-file=/etc/keepalived/{case}", check=False).returncode
        ]
    unread = []
    for case, text in tried.items():
        unknown: list[Unknown] = []
        read_keepalived("x", text, unknown)
        unread += [case] if unknown else []

    assert refused == [*REFUSED, *MISPLACED]
    assert unread == [*REFUSED]


def test_definitions_of_keepalived_are_not_read() -> None:
    unknown: list[Unknown] = []

    read_keepalived("x", f"$VIP={VIP}\n{_conf(addresses='$VIP')}", unknown)

    assert {str(one.origin) for one in unknown} == {"x:1", "x:11"}


# The files of the nodes, the holders, and what is found where.
COMPARED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, str, int, str]]] = {
    "another-card": (
        (_conf(addresses=f"{VIP} dev eth1"),),
        ("one",),
        ("WRONG_ADDRESS", "one", 10, "keepalived puts 10.1.0.100 on eth1, the topology has it on eth0"),
    ),
    "no-card": (
        (MISPLACED["another-card"],),
        (),
        (
            "WRONG_ADDRESS",
            "one",
            3,
            "keepalived ends with an error, and nothing holds its addresses: the node has no eth9",
        ),
    ),
    "no-holder": (
        (_conf(), _conf()),
        ("one",),
        ("UNKNOWN_ADDRESS", "two", 10, "keepalived takes 10.1.0.100 here, too: add the node to its holders in the"),
    ),
    "another-machine": (
        (_conf(addresses="10.1.0.3"),),
        (),
        ("DUPLICATE_ADDRESS", "one", 10, "keepalived takes 10.1.0.3, which is an address of two"),
    ),
    "lacking": (
        (_conf(addresses="10.1.0.101"),),
        ("one",),
        (
            "WRONG_ADDRESS",
            "one",
            3,
            "keepalived.conf lacks 10.1.0.100, of which the topology names the node as a holder",
        ),
    ),
}


@pytest.mark.parametrize("case", COMPARED)
def test_an_address_of_keepalived_is_compared_with_the_topology(case: str) -> None:
    confs, held, (kind, node, line, cause) = COMPARED[case]

    (error,) = (one for one in _findings(*confs, held=held) if one.severity == "error")

    assert (error.kind, error.nodes, error.origins[0].line) == (kind, (node,), line)
    assert error.cause.startswith(cause)


def test_an_address_that_the_topology_does_not_know_is_a_warning() -> None:
    (found,) = _findings(_conf(addresses="10.1.0.101/24"), held=())

    assert (found.severity, found.kind) == ("warning", "UNKNOWN_ADDRESS")
    assert "keepalived adds 10.1.0.101/24 on eth0, which the topology does not know" in found.cause
