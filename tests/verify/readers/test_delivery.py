"""Delivery to a machine: the carriers' bytes count, and every difference from rootfs/ is named."""

import json
from pathlib import Path

import pytest

from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import describe_difference, read_delivery
from netwright.verify.reading.formats.fetching import decode_data_url

NETWORK = "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.11/24\n"
KEYFILE = "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n[ipv4]\nmethod=manual\naddress1=10.1.0.13/24\n"
PATH = "/etc/systemd/network/10-eth0.network"
RULES = "table inet t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"
UNIT = "[Service]\nExecStart=/usr/sbin/nft -f /etc/nftables/t.nft\n[Install]\nWantedBy=multi-user.target\n"


def _write(root: Path, path: str, text: str) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    if path.endswith("user-data"):
        _write(root, path.replace("user-data", "network-config"), "network:\n  config: disabled\n")
        _write(root, path.replace("user-data", "meta-data"), "instance-id: n\n")


def _flatcar(root: Path, files: dict[str, str], **systemd: object) -> None:
    carried = [{"path": path, "contents": {"source": "data:," + text.replace("%", "%25").replace("\n", "%0A")}}
               for path, text in files.items()]  # fmt: skip
    document = {"ignition": {"version": "3.3.0"}, "storage": {"files": carried}, "systemd": systemd}
    _write(root, "n/n.ign", json.dumps(document))


def _reasons(root: Path) -> list[str]:
    return [str(line) for line in read_configuration(read_delivery(root, "n")).unknown]


def test_ignition_delivers_what_rootfs_shows(tmp_path: Path) -> None:
    _flatcar(tmp_path, {PATH: NETWORK})
    _write(tmp_path, f"n/rootfs{PATH}", NETWORK)

    configuration = read_configuration(read_delivery(tmp_path, "n"))

    assert configuration.unknown == ()
    assert str(configuration.links[0].addresses[0].origin) == f"n/rootfs{PATH}:4"


def test_delivered_bytes_count_where_rootfs_differs(tmp_path: Path) -> None:
    _flatcar(tmp_path, {PATH: NETWORK.replace("10.1.0.11", "10.1.0.12")})
    _write(tmp_path, f"n/rootfs{PATH}", NETWORK)

    configuration = read_configuration(read_delivery(tmp_path, "n"))

    assert configuration.links[0].addresses[0].ip & 0xFF == 12
    (unknown,) = configuration.unknown
    assert str(unknown.origin) == f"n/rootfs{PATH}:4"
    assert unknown.reason == (
        "differs from what n/n.ign delivers: here `Address=10.1.0.11/24`, delivered `Address=10.1.0.12/24`; "
        "netwright generate --force makes them agree"
    )


@pytest.mark.parametrize(
    ("copy", "delivered", "line", "said"),
    [
        pytest.param(b"a\nb\n", b"a\nc\n", 2, "here `b`, delivered `c`", id="changed"),
        pytest.param(b"a\nb\nc\n", b"a\nc\n", 2, "here `b`, delivered `c`", id="inserted"),
        pytest.param(b"a\n", b"a\nb\n", 2, "here ``, delivered `b`", id="cut short"),
        pytest.param(b"", b"\n", 2, "here nothing, delivered ``", id="empty"),
        pytest.param(b"a", b"a\n", 2, "here nothing, delivered ``", id="without its line end"),
        pytest.param(b"a\r\n", b"a\n", 1, "here `a\r`, delivered `a`", id="line ends of Windows"),
        pytest.param(b"\xef\xbb\xbfa", b"a", 1, "here `\ufeffa`, delivered `a`", id="byte order mark"),
        pytest.param(b"\xff", b"a", 1, "here `\\xff`, delivered `a`", id="no text"),
        pytest.param(b"x" * 99, b"a", 1, f"here `{'x' * 80} ...`, delivered `a`", id="long"),
    ],
)
def test_first_difference_is_said_with_its_line(copy: bytes, delivered: bytes, line: int, said: str) -> None:
    assert describe_difference(copy, delivered) == (line, said)


@pytest.mark.parametrize(
    ("carrier", "content", "said"),
    [
        pytest.param(
            "n.ign", '{\n"storage": {"fi', "n.ign:2: not an Ignition config, no JSON from column 13 on", id="Ignition"
        ),
        pytest.param("n.ign", '{"storage": 5}', "n.ign:1: not an Ignition config", id="another JSON"),
        pytest.param(
            "cloud-init/user-data", "#cloud-config\na: [\n", "cloud-init/user-data:3: not a #cloud-config", id="seed"
        ),
    ],
)
def test_a_carrier_that_cannot_be_read_is_the_only_cause(tmp_path: Path, carrier: str, content: str, said: str) -> None:
    _write(tmp_path, f"n/{carrier}", content)
    _write(tmp_path, f"n/rootfs{PATH}", NETWORK)

    (reason,) = _reasons(tmp_path)

    assert reason.startswith(f"n/{said}")
    assert reason.endswith("; netwright generate --force writes it again")


def test_a_file_that_nothing_delivers_is_named(tmp_path: Path) -> None:
    _flatcar(tmp_path, {})
    _write(tmp_path, f"n/rootfs{PATH}", NETWORK)

    assert _reasons(tmp_path) == [
        f"n/rootfs{PATH}: is not delivered by n/n.ign; netwright generate --force writes it again"
    ]


def test_cloud_init_delivers_with_modes(tmp_path: Path) -> None:
    path = "/etc/NetworkManager/system-connections/eth0.nmconnection"
    entry = json.dumps({"path": path, "permissions": "0644", "content": KEYFILE})
    _write(tmp_path, "n/cloud-init/user-data", f"#cloud-config\nwrite_files: [{entry}]\n")
    _write(tmp_path, f"n/rootfs{path}", KEYFILE)

    assert _reasons(tmp_path) == [f"n/rootfs{path}: NetworkManager refuses mode 0644; it must be 0600"]


def _deliver_keyfiles(root: Path, *texts: str) -> None:
    folder = "/etc/NetworkManager/system-connections"
    files = {f"{folder}/eth{number}.nmconnection": text for number, text in enumerate(texts)}
    entries = [{"path": path, "permissions": "0600", "content": text} for path, text in files.items()]
    _write(root, "n/cloud-init/user-data", f"#cloud-config\nwrite_files: {json.dumps(entries)}\n")
    for path, text in files.items():
        _write(root, f"n/rootfs{path}", text)


def test_networkmanagers_choice_between_cards_without_metrics_is_not_known(tmp_path: Path) -> None:
    other = KEYFILE.replace("eth0", "eth1").replace("10.1.", "10.2.")
    _deliver_keyfiles(tmp_path, KEYFILE + "route-metric=100\n", other)

    (reason,) = _reasons(tmp_path)

    assert reason.startswith("n/rootfs/etc/NetworkManager/system-connections/eth1.nmconnection:1: no route-metric")


@pytest.mark.parametrize("cards", [1, 2])
def test_cards_that_all_have_metrics_and_a_single_card_are_known(tmp_path: Path, cards: int) -> None:
    metric = "" if cards == 1 else "route-metric=100\n"
    _deliver_keyfiles(tmp_path, *(f"{KEYFILE.replace('eth0', f'eth{card}')}{metric}" for card in range(cards)))

    assert _reasons(tmp_path) == []


@pytest.mark.parametrize("enabled", [True, False])
def test_a_ruleset_counts_if_an_enabled_unit_loads_it(tmp_path: Path, enabled: bool) -> None:
    unit = {"name": "t.service", "enabled": enabled, "contents": UNIT}
    _flatcar(tmp_path, {"/etc/nftables/t.nft": RULES}, units=[unit])

    reasons = _reasons(tmp_path)

    assert bool(reasons) is not enabled


def test_a_route_file_without_its_ifcfg_is_named(tmp_path: Path) -> None:
    path = "/etc/sysconfig/network-scripts/route-eth0"
    entry = json.dumps({"path": path, "content": "10.5.0.0/16 via 10.1.0.1\n"})
    _write(tmp_path, "n/cloud-init/user-data", f"#cloud-config\nwrite_files: [{entry}]\n")

    assert "is never read" in _reasons(tmp_path)[0]


def test_a_drop_in_alone_leaves_the_interface_unknown(tmp_path: Path) -> None:
    _flatcar(tmp_path, {f"{PATH}.d/50-routes.conf": "[Route]\nGateway=10.1.0.1\n"})

    assert "managed elsewhere" in _reasons(tmp_path)[0]


def test_a_node_without_any_carrier_is_named(tmp_path: Path) -> None:
    assert "neither an Ignition config" in _reasons(tmp_path)[0]


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("data:,a%0Ab", b"a\nb"),
        ("data:;base64,YQo=", b"a\n"),
        ("data:;base64,YQ", None),
        ("https://x", None),
        ("data:x", None),
    ],
)
def test_data_urls(url: str, content: bytes | None) -> None:
    assert decode_data_url(url) == content


def test_two_files_for_one_interface_are_named(tmp_path: Path) -> None:
    _flatcar(tmp_path, {PATH: NETWORK, "/etc/systemd/network/20-other.network": NETWORK})

    assert _reasons(tmp_path) == [
        f"n/n.ign:/etc/systemd/network/20-other.network:1: n/n.ign:{PATH} configures the same interface"
    ]


def test_a_link_in_the_place_of_a_network_file_is_named(tmp_path: Path) -> None:
    links = [{"path": PATH, "target": "/dev/null"}, {"path": "/etc/extensions/k3s.raw", "target": "/opt/k3s.raw"}]
    _write(tmp_path, "n/n.ign", json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"links": links}}))

    assert _reasons(tmp_path) == [f"n/n.ign:1: a link in the place of a network file: {PATH}"]


def test_a_wants_link_enables_its_unit(tmp_path: Path) -> None:
    rules = {"path": "/etc/nftables/t.nft", "contents": {"source": "data:,"}}
    unit = {"path": "/etc/systemd/system/t.service", "contents": {"source": "data:," + UNIT.replace("\n", "%0A")}}
    link = {"path": "/etc/systemd/system/multi-user.target.wants/t.service", "target": "/etc/systemd/system/t.service"}
    document = {"ignition": {"version": "3.3.0"}, "storage": {"files": [rules, unit], "links": [link]}}
    _write(tmp_path, "n/n.ign", json.dumps(document))

    assert _reasons(tmp_path) == []
