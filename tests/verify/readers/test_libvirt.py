"""The reader of libvirt's networks."""

import pytest

from netwright.verify.reading.formats.libvirt import read_libvirt
from tests.verify.readers.shown import show, unknown

LIBVIRT = """<network>
  <name>kube02</name>
  <forward mode="nat"/>
  <bridge name="virbr2" stp="on" delay="0"/>
  <ip family="ipv4" address="10.17.4.1" prefix="24">
    <dhcp><range start="10.17.4.100" end="10.17.4.200"/></dhcp>
  </ip>
  <route family="ipv4" address="10.42.0.0" prefix="24" gateway="10.17.4.24" metric="5"/>
</network>
"""


def test_a_libvirt_network_is_a_bridge_with_addresses_and_routes() -> None:
    reading = read_libvirt("x", LIBVIRT)

    (network,) = reading.networks
    assert (network.name, network.mode, network.bridge.name) == ("kube02", "nat", "virbr2")
    assert [address.origin.line for address in network.bridge.addresses] == [5]
    assert [show(route) for route in network.bridge.routes] == [
        "unicast 10.42.0.0/24 via 10.17.4.24 metric 5 table 254 @8"
    ]
    assert unknown(reading) == []


def test_a_libvirt_network_without_forward_is_isolated() -> None:
    reading = read_libvirt("x", LIBVIRT.replace('  <forward mode="nat"/>\n', ""))

    assert reading.networks[0].mode == "isolated"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('mode="nat"', 'mode="hostdev"'),
        ('mode="nat"', 'mode="nat" dev="eth0"'),
        ('<bridge name="virbr2"', "<bridge"),
        ('<bridge name="virbr2"', '<bridge name="virbr2" zone="libvirt"'),
        ('gateway="10.17.4.24"', 'gateway="here"'),
        ('prefix="24"', 'netmask="255.255.255.0"'),
        ("</network>", "<portgroup/></network>"),
        ("</network>", ""),
    ],
)
def test_an_unknown_element_of_a_libvirt_network_is_named(before: str, after: str) -> None:
    assert read_libvirt("x", LIBVIRT.replace(before, after, 1)).unknown
