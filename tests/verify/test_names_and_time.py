"""Names and time servers of a node's files, compared with the topology's."""

from typing import Any

import pytest
from msgspec.structs import replace

from netwright.text.report import Severity
from netwright.verify.network_model.building import build_network
from netwright.verify.proof.proof import verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Text
from netwright.verify.reading.formats.time_servers import answers_asker, merge_access, read_time_access
from netwright.verify.values.addresses import AddressNumber
from tests.verify.kernel.world import Box, Route, World, delivery_of, ip_number, model_of

RESOLV_CONF = "/etc/resolv.conf"
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
    name_servers: tuple[str, ...] = (),
) -> list[tuple[str, list[str]]]:
    """Return what is found, and where; warnings with an exclamation mark."""
    box = Box(name="n", cards={"e0": ("s1", ("10.0.0.7/24",))})
    delivery = delivery_of(box)
    texts = {path: Text(path=path, shown=path, text=text, mode=None) for path, text in files.items()}
    model = model_of(World(boxes=(box,), pairs=()))
    wiring = replace(
        model.wiring,
        systems={"n": system},
        names={"n": names} if names is not None else {},
        time_servers={"n": time_servers} if time_servers else {},
        name_servers={"n": tuple(map(ip_number, name_servers))} if name_servers else {},
    )
    configuration = read_configuration(replace(delivery, files={**delivery.files, **texts}))
    found = verify_network(build_network([configuration], wiring, model.assumptions), []).findings
    return sorted(
        (f"{'!' if one.severity is Severity.WARNING else ''}{one.cause}", [str(origin) for origin in one.origins])
        for one in found
        if one.kind.startswith("WRONG_")
    )


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
MORE_TIME = "chrony asks 10.0.0.66 for the time, unlike the topology; leave it out, or name it in ntp"


@pytest.mark.parametrize(
    ("files", "errors"),
    [
        pytest.param({CHRONY: f"pool {SERVER} iburst\n"}, [], id="as-it-is"),
        pytest.param(
            {CHRONY: f"pool {SERVER} iburst\nserver 10.0.0.66\n"}, [(MORE_TIME, [f"{CHRONY}:2"])], id="one-more"
        ),
        pytest.param(
            {CHRONY: f"pool {SERVER}\ninclude /etc/chrony.d/*\n", "/etc/chrony.d/own.conf": "server 10.0.0.66\n"},
            [(f"!{MORE_TIME}", ["/etc/chrony.d/own.conf:1"])],
            id="one-more-in-the-users-file",
        ),
        pytest.param({CHRONY: "include /etc/chrony.d/*\n", INCLUDED: f"PEER {SERVER}\n"}, [], id="included"),
        pytest.param(
            {CHRONY: f"server 10.0.0.66\nallow {SERVER}\n"},
            [_lacks("chrony"), (MORE_TIME, [f"{CHRONY}:1"])],
            id="another",
        ),
        pytest.param({CHRONY: "", INCLUDED: f"server {SERVER}\n"}, [_lacks("chrony")], id="not-included"),
        pytest.param({TIMESYNCD: f"[Time]\nNTP={SERVER}\n"}, [_lacks("chrony")], id="of-another-program"),
        pytest.param(
            {CHRONY: "confdir /etc/chrony.d\n", INCLUDED: f"server {SERVER}\nserver 10.0.0.66\n"},
            [(MORE_TIME, [f"{INCLUDED}:2"])],
            id="one-more-in-our-file",
        ),
    ],
)
def test_chrony_asks_what_the_topology_says(files: dict[str, str], errors: list[tuple[str, list[str]]]) -> None:
    assert _errors(files, time_servers=(SERVER,)) == sorted(errors)


DROPIN = f"{TIMESYNCD}.d/10-netwright.conf"
MORE_OF_TIMESYNCD = f"!{MORE_TIME.replace('chrony', 'systemd-timesyncd')}"


@pytest.mark.parametrize(
    ("files", "errors"),
    [
        pytest.param({DROPIN: f"[Time]\nNTP=\nNTP={SERVER}\n", TIMESYNCD: "[Time]\nNTP=10.0.0.3\n"}, [], id="as-it-is"),
        pytest.param(
            {DROPIN: f"[Time]\nNTP={SERVER}\n", f"{TIMESYNCD}.d/20-own.conf": "[Time]\nNTP=\n"},
            [_lacks("systemd-timesyncd")],
            id="taken-away",
        ),
        pytest.param(
            {DROPIN: f"[Time]\nNTP={SERVER}\n", f"{TIMESYNCD}.d/20-own.conf": "[Time]\nNTP=10.0.0.66\n"},
            [(MORE_OF_TIMESYNCD, [f"{TIMESYNCD}.d/20-own.conf:2"])],
            id="another-file",
        ),
        pytest.param({DROPIN: f"[Time]\nFallbackNTP={SERVER}\n"}, [_lacks("systemd-timesyncd")], id="another-key"),
        pytest.param({f"{TIMESYNCD}.d/own": f"[Time]\nNTP={SERVER}\n"}, [_lacks("systemd-timesyncd")], id="no-drop-in"),
    ],
)
def test_timesyncd_asks_what_the_topology_says(files: dict[str, str], errors: list[tuple[str, list[str]]]) -> None:
    assert _errors(files, system="flatcar", time_servers=(SERVER,)) == sorted(errors)


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


NETWORK = "/etc/systemd/network/10-e0.network"
KEYFILE = "/etc/NetworkManager/system-connections/e0.nmconnection"
IFCFG = "/etc/sysconfig/network-scripts/ifcfg-e0"
RESOLVED = "/etc/systemd/resolved.conf.d/own.conf"
NO_SERVER = f"no file of an interface names {SERVER} as name server, as the topology has it", list[str]()
MORE_NAMES = "10.0.0.66 is named as name server, unlike the topology; leave it out, or name it in dns"


@pytest.mark.parametrize(
    ("files", "errors"),
    [
        pytest.param({NETWORK: f"[Network]\nDNS={SERVER}:53%e0#dns.example\n"}, [], id="networkd"),
        pytest.param({NETWORK: f"[Network]\nDNS=10.0.0.66\nDNS=\nDNS={SERVER} fd00::1\n"}, [], id="taken-away"),
        pytest.param({NETWORK: f"[Network]\nNTP={SERVER}\n[DHCPv4]\nDNS={SERVER}\n"}, [NO_SERVER], id="elsewhere"),
        pytest.param(
            {NETWORK: "[Network]\nDNS=10.0.0.66\n"}, [NO_SERVER, (MORE_NAMES, [f"{NETWORK}:2"])], id="another"
        ),
        pytest.param(
            {NETWORK: f"[Network]\nDNS={SERVER}\n", f"{NETWORK}.d/20-own.conf": "[Network]\nDNS=10.0.0.66\n"},
            [(f"!{MORE_NAMES}", [f"{NETWORK}.d/20-own.conf:2"])],
            id="in-a-drop-in",
        ),
        pytest.param({"/etc/systemd/resolved.conf": f"[Resolve]\nDNS={SERVER}\n"}, [], id="resolved"),
        pytest.param(
            {
                NETWORK: f"[Network]\nDNS={SERVER}\n",
                RESOLVED: "[Resolve]\nDNS=10.0.0.66\n",
            },
            [(f"!{MORE_NAMES}", [f"{RESOLVED}:2"])],
            id="one-more-of-resolved",
        ),
        pytest.param(
            {NETWORK: f"[Network]\nDNS={SERVER}\n", RESOLV_CONF: "search nameserver\n nameserver 10.0.0.66 \n"},
            [(f"!{MORE_NAMES}", [f"{RESOLV_CONF}:2"])],
            id="one-more-of-the-library",
        ),
        pytest.param({KEYFILE: f"[ipv4]\ndns={SERVER};\n[ipv6]\ndns=fd00::1;\n"}, [], id="keyfile"),
        pytest.param(
            {KEYFILE: f"[ipv4]\ndns={SERVER},10.0.0.66\n"}, [(MORE_NAMES, [f"{KEYFILE}:2"])], id="one-more-in-a-keyfile"
        ),
        pytest.param({IFCFG: f'DNS1="{SERVER}"\n'}, [], id="ifcfg"),
        pytest.param({IFCFG: f"DNS1={SERVER}\nDNS1=10.0.0.66\n"}, [NO_SERVER, (MORE_NAMES, [f"{IFCFG}:2"])], id="last"),
        pytest.param({IFCFG: f"DNS11={SERVER}\n"}, [NO_SERVER], id="no-such-number"),
    ],
)
def test_name_servers_are_those_of_the_topology(files: dict[str, str], errors: list[tuple[str, list[str]]]) -> None:
    assert _errors(files, name_servers=(SERVER,)) == sorted(errors)


def test_name_servers_of_a_node_for_which_the_topology_has_none_are_its_own_affair() -> None:
    assert _errors({NETWORK: "[Network]\nDNS=10.0.0.66\n"}) == []


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        pytest.param("", False, id="nothing"),
        pytest.param("allow", True, id="everyone"),
        pytest.param("allow 10.0.0.11", True, id="its-address"),
        pytest.param("allow 10.0.0.12", False, id="another-address"),
        pytest.param("Allow 10.0", True, id="a-short-network"),
        pytest.param("allow 10.1", False, id="another-short-network"),
        pytest.param("allow 10.0.0.0/24\ndeny 10.0.0.8/29", False, id="the-longest-decides"),
        pytest.param("deny 10.0.0.8/29\nallow 10.0.0.0/24", False, id="whatever-the-order"),
        pytest.param("deny 10.0.0.8/29\nallow all 10.0.0.0/24", True, id="all-takes-it-away"),
        pytest.param("allow 10.0.0.11\ndeny all", False, id="none-of-all"),
        pytest.param("# allow", False, id="a-comment"),
        pytest.param("include /etc/chrony.d/*.conf", True, id="included"),
        pytest.param("allow clients.example.net", False, id="a-name"),
    ],
)
def test_chrony_answers_whom_its_files_allow(text: str, answered: bool) -> None:
    files = {CHRONY: (CHRONY, text), INCLUDED: (INCLUDED, "allow 10.0.0.11\n")}

    assert answers_asker(merge_access(read_time_access(files)), ip_number("10.0.0.11")) is answered
