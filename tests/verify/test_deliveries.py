"""Carriers that their program refuses, or reads otherwise than they look: each rule of it decides here alone."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from netwright.verify.reading.configuration import Configuration, read_configuration
from netwright.verify.reading.delivery import Delivery, Text, read_delivery
from netwright.verify.reading.formats.cloudinit import read_user_data
from netwright.verify.reading.formats.ignition import Provisioned, read_ignition
from netwright.verify.reading.running.programme import Programme, UnitLink
from netwright.verify.reading.running.programme_run import judge_programme
from netwright.verify.reading.running.unit_order import find_circle
from netwright.verify.values.facts import Unknown
from tests.verify.readers.test_ignition_refusals import PAIRS, REMOVED
from tests.verify.readers.test_what_runs import SECTIONS
from tests.verify.readers.test_write_files import AFTER, ENTRIES, STOPS


def _is_refused(document: object) -> bool:
    return read_ignition("n/n.ign", json.dumps({"ignition": {"version": "3.3.0"}, **document})).refused  # type: ignore[dict-item]


@pytest.mark.parametrize(("refused", "taken"), [pytest.param(*PAIRS[name], id=name) for name in PAIRS])
def test_ignition_stops(refused: object, taken: object) -> None:
    assert _is_refused(refused)
    assert not _is_refused(taken)


@pytest.mark.parametrize("key", ['"Enabled": false', '"enabled": true, "enabled": false'])
def test_ignition_reads_keys_in_its_way(key: str) -> None:
    unit = '{"name": "a.service", %s}'
    text = f'{{"ignition": {{"version": "3.3.0"}}, "systemd": {{"units": [{unit}]}}}}'

    assert read_ignition("n/n.ign", text % key).refused
    assert not read_ignition("n/n.ign", text % '"enabled": false').refused


def test_a_key_in_capitals() -> None:
    test_ignition_reads_keys_in_its_way('"Enabled": false')


def test_a_key_twice() -> None:
    test_ignition_reads_keys_in_its_way('"enabled": true, "enabled": false')


@pytest.mark.parametrize("more", [pytest.param(more, id=name) for name, (more, _) in REMOVED.items()])
def test_ignition_removes_what_the_system_needs(more: dict[str, object]) -> None:
    assert read_ignition("n/n.ign", json.dumps({"ignition": {"version": "3.3.0"}, **more})).unknown != []


def _written(*entries: Mapping[str, object]) -> Provisioned:
    return read_user_data("n/user-data", "#cloud-config\n" + yaml.safe_dump({"write_files": [*entries]}))


@pytest.mark.parametrize("entry", [pytest.param(STOPS[name], id=name) for name in STOPS])
def test_cloud_init_stops(entry: dict[str, object]) -> None:
    provisioned = _written({"path": "/opt/x", **entry}, {"path": AFTER, "content": "x"})

    assert provisioned.unknown != []
    assert AFTER not in provisioned.files


def test_a_deferred_owner() -> None:
    assert _written({"path": "/opt/x", "content": "x", "owner": "app", "defer": True}).unknown == []


def test_a_mode_without_quotes() -> None:
    assert _written({"path": "/opt/x", "permissions": 600}).files["/opt/x"].mode == 0o1130


def test_packed_content() -> None:
    packed, plain = (_written({"path": "/opt/x", **ENTRIES[name]}).files["/opt/x"] for name in ("packed", "plain"))

    assert packed.content == plain.content


def _unknown(**files: str) -> tuple[Unknown, ...]:
    """Return what is unknown of a seed with these files and usual others."""
    usual = {"user_data": "#cloud-config\n{}\n", "network_config": "config: disabled\n"}
    with tempfile.TemporaryDirectory() as folder:
        seed = Path(folder) / "n/cloud-init"
        seed.mkdir(parents=True)
        for name, text in (usual | files).items():
            (seed / name.replace("_", "-")).write_text(text)
        return read_delivery(Path(folder), "n").unknown


def test_a_seed_without_meta_data() -> None:
    assert _unknown(meta_data="") == ()
    assert _unknown() != ()


def test_a_seed_from_elsewhere() -> None:
    assert _unknown(meta_data="seedfrom: http://x/\n") != ()


def test_vendor_data() -> None:
    assert _unknown(meta_data="", vendor_data="#cloud-config\n{}\n") == ()
    assert _unknown(meta_data="", vendor_data="#cloud-config\nruncmd: [reboot]\n") != ()


def _read_one(path: str, text: str) -> Configuration:
    """Return what is configured where Ignition brings one file."""
    file = Text(path=path, shown=path, text=text, mode=0o600 if path.endswith(".nmconnection") else 0o644)
    return read_configuration(
        Delivery(
            node="n",
            files={path: file},
            enabled=frozenset(),
            libvirt=(),
            handoff=None,
            unknown=(),
            carrier="n/n.ign",
        )
    )


def _of_file(path: str, text: str) -> tuple[Unknown, ...]:
    return _read_one(path, text).unknown


MANIFEST = "/var/lib/rancher/k3s/server/manifests/x.yaml"


def test_powers_of_pods() -> None:
    pod = "kind: Pod\nspec: {containers: [{securityContext: {capabilities: {%s: [ALL]}}}]}\n"

    assert _of_file(MANIFEST, pod % "add") != ()
    assert _of_file(MANIFEST, pod % "drop") == ()


def test_a_host_network_in_words_of_yaml() -> None:
    assert _of_file(MANIFEST, "kind: Pod\nspec: {hostNetwork: on}\n") != ()
    assert _of_file(MANIFEST, "kind: Pod\nspec: {hostNetwork: off}\n") == ()


def test_objects_of_a_list() -> None:
    assert _of_file(MANIFEST, "kind: List\nitems: [{kind: NetworkPolicy}]\n") != ()
    assert _of_file(MANIFEST, "kind: List\nitems: [{kind: Namespace}]\n") == ()


def test_settings_of_the_clusters_network() -> None:
    text = "kind: ConfigMap\nmetadata: {name: %s}\n"

    assert _of_file(MANIFEST, text % "ip-masq-agent") != ()
    assert _of_file(MANIFEST, text % "mine") == ()


def test_udev_tells_networkd_which_cards_are_its_own() -> None:
    rule = 'SUBSYSTEM=="net", ENV{%s}="x"\n'

    assert _of_file("/etc/udev/rules.d/x.rules", rule % "ID_NET_MANAGED_BY") != ()
    assert _of_file("/etc/udev/rules.d/x.rules", rule % "ID_MODEL") == ()


def test_rsyslog_runs_programs() -> None:
    assert _of_file("/etc/rsyslog.d/x.conf", 'action(type="omprog" binary="/opt/x")\n') != ()
    assert _of_file("/etc/rsyslog.d/x.conf", 'action(type="omfwd" target="10.0.0.1")\n') == ()


def test_rsyslog_writes_files() -> None:
    assert _of_file("/etc/rsyslog.d/x.conf", "*.* /proc/sys/net/ipv4/ip_forward\n") != ()
    assert _of_file("/etc/rsyslog.d/x.conf", "*.* /var/log/all\n") == ()


def test_a_unit_in_a_circle() -> None:
    assert find_circle("x.service", ["network.target"], ["network-online.target"], []) is not None
    assert find_circle("x.service", ["network-online.target"], ["network.target"], []) is None


def test_a_service_waits_for_the_system() -> None:
    assert find_circle("x.service", ["sysinit.target"], [], []) is not None
    assert find_circle("x.service", ["sysinit.target"], [], ["no"]) is None


@pytest.mark.parametrize(
    ("key", "harmful", "harmless"), [pytest.param(key, *SECTIONS[key], id=key) for key in SECTIONS]
)
def test_sections(key: str, harmful: object, harmless: object) -> None:
    assert _reasons_of(key, harmful) != []
    assert _reasons_of(key, harmless) == []


HARM = "[Service]\nExecStart=/usr/sbin/ip link set eth0 down\n[Install]\nWantedBy=multi-user.target\n"


def _aliased(name: str, text: str) -> list[str]:
    """Return what is found where the unit x.service is delivered, and a link gives it another name."""
    link = UnitLink(path=f"/etc/systemd/system/{name}", target="/etc/systemd/system/x.service")
    files = (("/etc/systemd/system/x.service", text, False),)
    return [one.reason for one in judge_programme(Programme(files=files, links=(link,))).complaints]


def test_a_unit_by_another_name() -> None:
    assert _aliased("sshd.service", HARM) != []
    assert _aliased("sshd.service", HARM.replace("ip link set eth0 down", "true").replace("sbin", "bin")) == []


def test_a_unit_in_the_place_of_networkd() -> None:
    harmless = HARM.replace("sbin/ip link set eth0 down", "bin/true")

    assert any(
        "takes the place of systemd-networkd.service" in one for one in _aliased("systemd-networkd.service", harmless)
    )


def _reasons_of(key: str, value: object) -> list[str]:
    programme = Programme(sections=((key, json.dumps(value)),), seeded=True)
    return [one.reason for one in judge_programme(programme).complaints]


LINKS = {
    "/etc/systemd/network/": ("10-eth0.network", "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.5/24\n"),
    "/etc/sysconfig/network-scripts/": (
        "ifcfg-eth0",
        "DEVICE=eth0\nNAME=eth0\nTYPE=Ethernet\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=10.1.0.5\nPREFIX=24\n",
    ),
    "/etc/NetworkManager/system-connections/": (
        "eth0.nmconnection",
        "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n[ipv4]\nmethod=manual\naddress1=10.1.0.5/24\n",
    ),
}


@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder) for folder in LINKS])
def test_no_program_looks_below_its_folder(folder: str) -> None:
    name, text = LINKS[folder]

    assert len(_read_one(f"{folder}{name}", text).links) == 1
    below = _read_one(f"{folder}old/{name}", text)
    assert (below.links, below.unknown) == ((), ())


def test_networkmanager_looks_for_settings_in_its_folder() -> None:
    text = "[keyfile]\nunmanaged-devices=interface-name:eth0\n"

    assert _read_one("/etc/NetworkManager/conf.d/x.conf", text).unmanaged != ()
    assert _read_one("/etc/NetworkManager/conf.d/old/x.conf", text).unmanaged == ()


def test_k3s_looks_below_no_folder() -> None:
    text = "flannel-backend: none\n"

    assert _read_one("/etc/rancher/k3s/config.yaml.d/x.yaml", text).k3s.keys() == {"flannel-backend"}
    assert _read_one("/etc/rancher/k3s/config.yaml.d/old/x.yaml", text).k3s == {}


@pytest.mark.parametrize("folder", ["/etc/systemd/network/", "/etc/NetworkManager/system-connections/"])
def test_name_servers_of_files_that_nothing_reads_count_for_nothing(folder: str) -> None:
    name, text = LINKS[folder]
    text = text.replace("Address=", "DNS=10.1.0.9\nAddress=").replace("method=", "dns=10.1.0.9\nmethod=")

    assert len(_read_one(f"{folder}{name}", text).asking.names) == 1
    assert len(_read_one(f"{folder}old/{name}", text).asking.names) == 0
