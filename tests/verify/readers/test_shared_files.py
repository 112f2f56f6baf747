"""Files that differ in their addresses alone are read as if each were the only one."""

import pytest

from netwright.verify.reading.formats.networkd import read_network
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
        Address(ip=0x0A000006, length=16, origin=Origin(file="b", line=4)),
        Address(ip=0x0A000107, length=32, origin=Origin(file="b", line=6)),
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
