"""Files that differ in their addresses and UUIDs alone are read as if each were the only one."""

import pytest

from netwright.verify.reading.formats.keyfile import read_keyfile
from netwright.verify.reading.formats.netdev import read_netdev
from netwright.verify.reading.formats.networkd import read_network
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.facts import Address, Origin, Reading

FILE = """[Match]
Name=eth0
[Network]
{first}
DNS=10.0.0.9
{second}
[Route]
Destination=10.9.0.0/16
Gateway=10.0.0.1
"""


def _read(file: str, first: str, second: str) -> Reading:
    return read_network([(file, FILE.format(first=first, second=second))])


def test_each_file_has_its_own_addresses_and_lines() -> None:
    _read("a", "Address=10.0.0.5/24", "Address=10.0.1.5/24")

    (link,) = _read("b", "Address=10.0.0.6/16", "Address=10.0.1.7/32").links

    assert link.addresses == (
        Address(ip=AddressNumber(0x0A000006), length=16, origin=Origin(file="b", line=4)),
        Address(ip=AddressNumber(0x0A000107), length=32, origin=Origin(file="b", line=6)),
    )
    assert (link.origin, link.routes[0].origin) == (Origin(file="b", line=1), Origin(file="b", line=8))


@pytest.mark.parametrize(
    ("first", "second", "odd"),
    [
        ("Address=10.0.0.5/24", "Address=10.0.1.300/24", "10.0.1.300/24"),
        ("Address=10.0.0.5/24", "Address=10.0.1.5", "10.0.1.5"),
        ("Address=10.0.0.5/24", "[Link]\nAddress=10.0.1.5/24", "Address=10.0.1.5/24"),
        ("Address=10.0.0.5/24", "Colour=red", "Colour=red"),
    ],
    ids=["value", "length", "section", "another-line"],
)
def test_a_line_that_is_not_known_is_found_in_every_file(first: str, second: str, odd: str) -> None:
    found = [_read(file, first, second).unknown for file in ("a", "b")]

    assert [[(one.origin.file, one.text) for one in unknown] for unknown in found] == [[("a", odd)], [("b", odd)]]


def test_a_comment_is_no_address() -> None:
    (link,) = _read("a", "# Address=10.0.0.5/24", "Address=10.0.1.5/24").links

    assert [address.origin.line for address in link.addresses] == [6]


PROFILE = """[connection]
id=br0.5
uuid={uuid}
type=vlan
interface-name=br0.5
master=br1
slave-type=bridge
[vlan]
id=5
parent=br0
[ethernet]
cloned-mac-address=02:00:00:00:00:01
mtu=1400
[ipv4]
method=manual
{address}
gateway=10.0.0.1
{more}
"""
UUIDS = [f"b2371264-793c-5f1f-9513-646fcc75bf3{number}" for number in range(2)]


def _profile(file: str, uuid: str, address: str, more: str = "") -> Reading:
    return read_keyfile(file, PROFILE.format(uuid=uuid, address=address, more=more))


def test_each_profile_has_its_own_uuid_address_and_lines() -> None:
    _profile("a", UUIDS[0], "address1=10.0.0.5/24")

    reading = _profile("b", UUIDS[1], "address1=10.0.0.6/16")

    (link,), (device,) = reading.links, reading.devices
    assert (link.uuid, link.origin) == (UUIDS[1], Origin(file="b", line=1))
    assert link.addresses == (Address(ip=AddressNumber(0x0A000006), length=16, origin=Origin(file="b", line=16)),)
    stated = (link.routes[0], link.mtu, link.controller, device, device.tag, device.parent, device.mac)
    assert [str(one.origin) for one in stated if one is not None] == [
        *("b:17", "b:13", "b:6", "b:4", "b:9", "b:10", "b:12")
    ]


@pytest.mark.parametrize(
    ("address", "more", "addresses", "odd"),
    [
        ("address1=10.0.0.300/24", "", 0, ["address1=10.0.0.300/24"]),
        ("address1=10.0.0.5/24", "address2=10.0.0.6/24", 2, []),
        ("address1=10.0.0.5/24", "address1=10.0.0.6/24", 1, []),
        ("address1=10.0.0.5/24", "[user]\naddress1=10.0.0.6/24", 1, []),
        ("address1=10.0.0.5/24", "colour=red", 1, ["colour=red"]),
    ],
    ids=["value", "two", "twice", "section", "another-line"],
)
def test_a_profile_of_another_form_is_read_by_itself(address: str, more: str, addresses: int, odd: list[str]) -> None:
    for file, uuid in zip("ab", UUIDS, strict=True):
        reading = _profile(file, uuid, address, more)

        assert len(reading.links[0].addresses) == addresses
        assert [one.text for one in reading.unknown if one.text] == odd


NETDEV = "[NetDev]\nName=bond0\nKind=bond\nMACAddress=02:00:00:00:00:01\n[Bond]\nMode=802.3ad\nMinLinks=1\n{more}"


def test_a_device_is_read_once_for_all_files_that_are_alike() -> None:
    read_netdev([("a", NETDEV.format(more=""))])

    (device,) = read_netdev([("b", NETDEV.format(more=""))]).devices

    stated = (device, device.mac, device.mode, device.min_links)
    assert [str(one.origin) for one in stated if one is not None] == ["b:3", "b:4", "b:6", "b:7"]


def test_a_line_of_a_device_that_is_not_known_is_found_in_every_file() -> None:
    found = [read_netdev([(file, NETDEV.format(more="Colour=red"))]).unknown for file in ("a", "b")]

    assert [[str(one.origin) for one in unknown] for unknown in found] == [["a:8"], ["b:8"]]
