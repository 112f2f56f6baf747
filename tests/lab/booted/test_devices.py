"""Devices on machines that boot: what is changed in a delivery, and a bridge and leases that this kernel has too."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.lab.booted.delivery import NodeSeed
from netwright.lab.booted.fitting import fit_root, fit_seed, lay_keys
from netwright.lab.booted.world import OuterMachine, opened
from netwright.lab.doors import Door
from netwright.lab.tunnels import KeyPair, Keyring, OwnKey
from netwright.verify.values.facts import Kind
from netwright.verify.values.wiring import AssignedLink
from tests.lab.running import PROJECT, command
from tests.netwright import netwright

OLD, NEW = "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8=", "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="
KEYRING = Keyring(
    pairs={OLD: KeyPair(private="private", public=NEW)},
    doors={"a.example.net:51820": Door(ip=0xCB007101, port=51820, node="a")},
)
ROOT = "/run/machine/root"
NETDEV, NETWORK = "/etc/systemd/network/90-t.netdev", "/etc/systemd/network/90-t.network"
OUTSIDE = "/run/outside"


@pytest.fixture
def world() -> Iterator[OuterMachine]:
    """A world with a root over this computer's own."""
    with opened() as world:
        world.run("mkdir", "-p", "/run/machine/upper", "/run/machine/work", ROOT)
        layers = "lowerdir=/,upperdir=/run/machine/upper,workdir=/run/machine/work"
        world.run("mount", "-t", "overlay", "test", "-o", layers, ROOT)
        yield world


def test_files_of_networkd_get_new_keys_and_names_of_cards(world: OuterMachine) -> None:
    text = "PermanentMACAddress=52:54:00:00:00:01\nPermanentMACAddress=52:54:00:00:00:09\n"
    world.write(ROOT + NETWORK, text.encode())
    world.write(
        ROOT + NETDEV, f"PublicKey={OLD}\nEndpoint=a.example.net:51820\nEndpoint=axexample.net:51820\n".encode()
    )
    world.write(OUTSIDE, f"{OLD}\n".encode())
    world.run("ln", "-s", OUTSIDE, f"{ROOT}/etc/systemd/network/91-link.netdev")

    fit_root(world, ROOT, [AssignedLink(name="eno1", mac="52:54:00:00:00:01")], KEYRING)

    assert world.path(ROOT + NETWORK).read_text() == "Name=eno1\nPermanentMACAddress=52:54:00:00:00:09\n"
    assert world.path(ROOT + NETDEV).read_text() == (
        f"PublicKey={NEW}\nEndpoint=203.0.113.1:51820\nEndpoint=axexample.net:51820\n"
    )
    assert world.path(OUTSIDE).read_text() == f"{OLD}\n"


def test_a_device_keeps_the_hardware_address_that_its_file_finds(world: OuterMachine) -> None:
    world.write(ROOT + NETWORK, b"PermanentMACAddress=52:54:00:00:00:01\n")

    fit_root(world, ROOT, [AssignedLink(name="br0", kind=Kind.BRIDGE, mac="52:54:00:00:00:01")], KEYRING)

    assert world.path(ROOT + NETWORK).read_text() == "PermanentMACAddress=52:54:00:00:00:01\n"


def test_private_keys_are_for_root_and_networkd(world: OuterMachine) -> None:
    lay_keys(world, ROOT, [OwnKey(file="/etc/wireguard-test/wg0.key", interface="wg0", private="private")])

    shown = world.run("stat", "-c", "%a %U %G", f"{ROOT}/etc/wireguard-test/wg0.key").stdout
    group = "systemd-network" if "systemd-network:" in world.path(f"{ROOT}/etc/group").read_text() else "root"
    assert shown == f"{'640' if group != 'root' else '600'} root {group}\n"
    assert world.path(f"{ROOT}/etc/wireguard-test/wg0.key").read_text() == "private\n"


@pytest.mark.parametrize("is_debian", [True, False])
def test_a_seed_gets_new_keys_and_names_that_debians_networkmanager_knows(is_debian: bool) -> None:
    seed = NodeSeed(seed=(("user-data", f"    controller=br0\n    port-type=bridge\n    {OLD}\n".encode()),))

    ((name, content),) = fit_seed(seed, KEYRING, is_debian=is_debian).seed

    names = ("master", "slave-type") if is_debian else ("controller", "port-type")
    assert (name, content.decode()) == ("user-data", f"    {names[0]}=br0\n    {names[1]}=bridge\n    {NEW}\n")


@pytest.mark.usefixtures("room")
def test_machines_that_boot_make_a_bridge_and_get_leases() -> None:
    """A bridge of a KVM host's own with a card, and guests whose addresses libvirt's server keeps."""
    golden = PROJECT / "tests/golden/leases"

    arguments = ("--boot", "--format", "json", str(golden / "topology.yaml"), "-o", str(golden / "out"))
    done = subprocess.run(command(*arguments), cwd=PROJECT, text=True, capture_output=True, check=False)

    document = json.loads(done.stdout)
    assert (done.returncode, document["fine"]) == (0, True), done.stdout
    assert "Addresses were leased by dnsmasq: those that the topology reserves." in document["remarks"]


@pytest.mark.usefixtures("room")
def test_bridges_of_machines_that_boot_have_hardware_addresses_of_their_own(tmp_path: Path) -> None:
    """networkd makes them of the machine's id, NetworkManager of its card's."""
    bridge = "interfaces: {eth0: {}, br0: {bridge: {members: [eth0]}, network: lan, address: 10.1.0.%d}}"
    (tmp_path / "topology.yaml").write_text(
        "version: 1\nname: bridged\nnetworks: {lan: {cidr: 10.1.0.0/24}}\nnodes:\n"
        f"  a: {{os: flatcar, {bridge % 2}}}\n  b: {{os: flatcar, {bridge % 3}}}\n"
        "flows:\n  there: {from: a, to: b, allow: [icmp]}\n"
    )
    assert netwright("generate", "-q", cwd=tmp_path).status == 0

    arguments = ("--boot", "--format", "json", str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"))
    done = subprocess.run(command(*arguments), cwd=PROJECT, text=True, capture_output=True, check=False)

    assert (done.returncode, json.loads(done.stdout)["fine"]) == (0, True), done.stdout
