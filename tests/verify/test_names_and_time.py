"""Names and time servers of a node's files, compared with the topology's."""

import pytest
from msgspec.structs import replace

from netwright.verify.network_model.building import build_network
from netwright.verify.proof.proof import verify_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Text
from netwright.verify.values.addresses import AddressNumber
from tests.verify.kernel.world import Box, World, delivery_of, ip_number, model_of

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
