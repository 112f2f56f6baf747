"""Names and time servers of a node's files, compared with the topology's."""

from typing import Any

import pytest
from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.network_model.building import build_network
from netwright.verify.proof.proof import verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Text
from netwright.verify.values.addresses import AddressNumber
from tests.verify.kernel.world import Box, Route, World, delivery_of, ip_number, model_of

HOSTS, OURS = "/etc/hosts", "/etc/netwright/hosts"
CHRONY, TIMESYNCD = "/etc/chrony.conf", "/etc/systemd/timesyncd.conf"
NAMES = {"web": frozenset({ip_number("10.0.0.9")}), "db": frozenset({ip_number("10.0.0.8"), ip_number("10.1.0.8")})}
SERVER = "10.0.0.1"


def _errors(
    files: dict[str, str],
    *,
    system: str = "rocky9",
    names: dict[str, frozenset[AddressNumber]] | None = None,
    time_servers: tuple[str, ...] = (),
) -> list[tuple[str, list[str]]]:
    box = Box(name="n", cards={"e0": ("s1", ("10.0.0.7/24",))})
    delivery = delivery_of(box)
    texts = {path: Text(path=path, shown=path, text=text, mode=None) for path, text in files.items()}
    model = model_of(World(boxes=(box,), pairs=()))
    wiring = replace(
        model.wiring,
        systems={"n": system},
        names={"n": names} if names is not None else {},
        time_servers={"n": time_servers} if time_servers else {},
    )
    configuration = read_configuration(replace(delivery, files={**delivery.files, **texts}))
    found = verify_network(build_network([configuration], wiring, model.assumptions), []).findings
    return [(one.cause, [str(origin) for origin in one.origins]) for one in found if one.kind.startswith("WRONG_")]


RIGHT = "10.0.0.9 web\n10.0.0.8 db\n"


@pytest.mark.parametrize(
    ("files", "errors"),
    [
        pytest.param({HOSTS: RIGHT}, [], id="as-it-is"),
        pytest.param({HOSTS: "127.0.0.1 localhost\n", OURS: RIGHT}, [], id="in-our-file"),
        pytest.param({HOSTS: f"{RIGHT}10.1.0.8 DB\n10.0.0.66 other\n"}, [], id="another-address-that-is-right"),
        pytest.param(
            {HOSTS: "10.0.0.66 web\n", OURS: RIGHT},
            [("web is 10.0.0.66 in /etc/hosts, and 10.0.0.9 by the topology", [f"{HOSTS}:1"])],
            id="a-line-before-ours",
        ),
        pytest.param(
            {HOSTS: "10.0.0.9 web\n\n::1 DB # of old\n"},
            [("db is 127.0.0.1 in /etc/hosts, and 10.0.0.8 and 10.1.0.8 by the topology", [f"{HOSTS}:3"])],
            id="itself",
        ),
        pytest.param(
            {HOSTS: "10.0.0.8 db # web\n"}, [("/etc/hosts lacks web, which the topology has", [])], id="a-comment"
        ),
        pytest.param({}, [("/etc/hosts lacks web, db, which the topology has", [])], id="no-file"),
    ],
)
def test_a_name_stands_for_what_the_topology_says(files: dict[str, str], errors: list[tuple[str, list[str]]]) -> None:
    assert _errors(files, names=NAMES) == errors


def _lacks(program: str) -> tuple[str, list[str]]:
    return f"{program} does not ask {SERVER} for the time, as the topology has it", []


INCLUDED = "/etc/chrony.d/10-netwright.conf"


@pytest.mark.parametrize(
    ("files", "errors"),
    [
        pytest.param({CHRONY: f"pool {SERVER} iburst\nserver 10.0.0.66\n"}, [], id="as-it-is"),
        pytest.param({CHRONY: "include /etc/chrony.d/*\n", INCLUDED: f"PEER {SERVER}\n"}, [], id="included"),
        pytest.param({CHRONY: f"server 10.0.0.66\nallow {SERVER}\n"}, [_lacks("chrony")], id="another"),
        pytest.param({CHRONY: "", INCLUDED: f"server {SERVER}\n"}, [_lacks("chrony")], id="not-included"),
        pytest.param({TIMESYNCD: f"[Time]\nNTP={SERVER}\n"}, [_lacks("chrony")], id="of-another-program"),
        pytest.param(
            {CHRONY: "confdir /etc/chrony.d\n", INCLUDED: f"server {SERVER}\nserver 10.0.0.66\n"},
            [("chrony asks 10.0.0.66 for the time, unlike the topology", [f"{INCLUDED}:2"])],
            id="one-more-in-our-file",
        ),
    ],
)
def test_chrony_asks_what_the_topology_says(files: dict[str, str], errors: list[tuple[str, list[str]]]) -> None:
    assert _errors(files, time_servers=(SERVER,)) == errors


DROPIN = f"{TIMESYNCD}.d/10-netwright.conf"


@pytest.mark.parametrize(
    ("files", "errors"),
    [
        pytest.param({DROPIN: f"[Time]\nNTP=\nNTP={SERVER}\n", TIMESYNCD: "[Time]\nNTP=10.0.0.3\n"}, [], id="as-it-is"),
        pytest.param(
            {DROPIN: f"[Time]\nNTP={SERVER}\n", f"{TIMESYNCD}.d/20-own.conf": "[Time]\nNTP=\n"},
            [_lacks("systemd-timesyncd")],
            id="taken-away",
        ),
        pytest.param({DROPIN: f"[Time]\nFallbackNTP={SERVER}\n"}, [_lacks("systemd-timesyncd")], id="another-key"),
        pytest.param({f"{TIMESYNCD}.d/own": f"[Time]\nNTP={SERVER}\n"}, [_lacks("systemd-timesyncd")], id="no-drop-in"),
    ],
)
def test_timesyncd_asks_what_the_topology_says(files: dict[str, str], errors: list[tuple[str, list[str]]]) -> None:
    assert _errors(files, system="flatcar", time_servers=(SERVER,)) == errors


CLOSED = "type filter hook input priority filter; policy drop; {}"
STATELESS = CLOSED.format("udp dport 123 accept")


def _unreached(
    *, on_server: str = "", on_node: str = "", on_second: str = "", names: bool = False, gateway: str = "10.0.0.1"
) -> list[tuple[str, tuple[str, ...], str, str]]:
    """Return the warnings on two nodes that ask a server behind a router, and are alike."""
    route = (Route(to="0.0.0.0/0", via=gateway, dev="e0"),)
    nodes = tuple(
        Box(name=name, cards={"e0": ("s1", (f"10.0.0.{number}/24",))}, routes=route, nft=_table(rules))
        for name, number, rules in (("n1", 11, on_node), ("n2", 12, on_node or on_second))
    )
    router = Box(
        name="router",
        cards={"e0": ("s1", ("10.0.0.1/24",)), "e1": ("s2", ("10.1.0.1/24",))},
        sysctls=("net.ipv4.ip_forward = 1",),
    )
    server = Box(
        name="server",
        cards={"e0": ("s2", ("10.1.0.9/24",))},
        routes=(Route(to="0.0.0.0/0", via="10.1.0.1", dev="e0"),),
        nft=_table(on_server),
    )
    boxes = (*nodes, router, server)
    model = model_of(World(boxes=boxes, pairs=()))
    asked = ("n1", "n2", "server")
    wiring = replace(
        model.wiring,
        name_servers=dict.fromkeys(asked, (ip_number("10.1.0.9"),)) if names else {},
        time_servers={} if names else dict.fromkeys(asked, ("10.1.0.9", "pool.example.net")),
        systems=dict.fromkeys(asked, "rocky9"),
    )
    configurations = [read_configuration(delivery_of(box)) for box in boxes]
    found = verify_network(build_network(configurations, wiring, model.assumptions), []).findings
    asking = [one for one in found if "server 10.1.0.9" in str(one.cause)]
    assert {one.severity for one in asking} <= {Severity.WARNING}
    return [(one.kind, one.nodes, str(one.cause).partition(":")[0], str(one.cause)[-6:-1]) for one in asking]


def _table(rules: str) -> str:
    return f"table inet mine {{ chain c {{ {rules} }} }}" if rules else ""


TIME, NAME = (f"does not reach its {kind} server 10.1.0.9" for kind in ("time", "name"))


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        pytest.param({}, [], id="as-it-is"),
        pytest.param({"on_server": STATELESS}, [], id="let-in"),
        pytest.param(
            {"on_server": CLOSED.format("tcp dport 123 accept")},
            [("FILTERED", ("n1", "n2"), TIME, "there")],
            id="not-let-in",
        ),
        pytest.param({"on_node": STATELESS}, [("FILTERED", ("n1", "n2"), TIME, " back")], id="no-answer"),
        pytest.param(
            {"on_server": STATELESS, "names": True}, [("FILTERED", ("n1", "n2"), NAME, "there")], id="another-port"
        ),
        pytest.param({"on_server": CLOSED.format("udp dport 53 accept"), "names": True}, [], id="the-port-of-names"),
        pytest.param({"on_second": STATELESS}, [("FILTERED", ("n2",), TIME, " back")], id="one-of-two"),
        pytest.param(
            {"gateway": "10.0.0.12"},
            [("ARP_UNANSWERED", ("n2",), TIME, "there"), ("FORWARDING_OFF", ("n1",), TIME, "there")],
            id="a-router-that-is-none",
        ),
    ],
)
def test_a_server_that_is_not_reached_is_a_warning(
    changes: dict[str, Any], warned: list[tuple[str, tuple[str, ...], str, str]]
) -> None:
    assert _unreached(**changes) == warned
