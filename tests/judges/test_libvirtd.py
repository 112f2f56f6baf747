"""Result of the real libvirtd with a KVM host's networks: as in the plan, and with the rules that verify assumes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.model import Family
from netwright.plan.types import LibvirtNetwork
from netwright.verify.network_model.foreign import libvirt_rules
from netwright.verify.reading.formats.libvirt import read_libvirt
from tests.judges.cases import Case, cases_with
from tests.rigs.libvirtd import Started, start_networks

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.nft"))


def start(case: Case, node: str, networks: tuple[LibvirtNetwork, ...]) -> Started:
    folder = case.out / node / "libvirt"
    return start_networks({one.libvirt_name: (folder / f"{one.name}.xml").read_bytes() for one in networks})


def served(network: LibvirtNetwork) -> Iterator[str]:
    """The lines of dnsmasq's own files, as libvirt 9 writes them."""
    if network.domain is not None:
        yield f"domain={network.domain}"
    leases = network.leases
    if leases is not None:
        if not network.dns:
            yield "port=0"
        if leases.range is not None:
            yield f"dhcp-range={leases.range[0]},{leases.range[1]},255.255.255.0"
        elif leases.kept:
            yield f"dhcp-range={network.addresses[0].ip},static"
        yield from (f"{lease.mac},{lease.ip},{lease.name}" for lease in leases.kept)
    for ip, names in network.dns_hosts:
        yield "\t".join((str(ip), *names))


@cases_with(Family.ROCKY, lambda plan: plan.libvirt_networks)
def test_libvirt_makes_what_the_plan_says(case: Case) -> None:
    for name, plan in case.plans(Family.ROCKY).items():
        started = start(case, name, plan.libvirt_networks)
        made = [network for network in plan.libvirt_networks if network.forward != "bridge"]

        assert started.refused == {}
        assert {link.name: (link.addresses, link.mtu) for link in started.kernel.links} == {
            one.bridge: (tuple(f"{at.ip}/{at.prefix}" for at in one.addresses), one.mtu or 1500) for one in made
        }
        assert {(route.to, route.via, route.interface, route.metric) for route in started.kernel.routes} == {
            # libvirt's own default for a route without a metric is 1.
            (str(route.destination), str(route.gateway), one.bridge, 1 if route.metric is None else route.metric)
            for one in made
            for route in one.routes
        }
        assert {one: set(lines) for one, lines in started.served.items()} == {
            one.libvirt_name: set(served(one)) for one in plan.libvirt_networks
        }


@cases_with(Family.ROCKY, lambda plan: plan.libvirt_networks)
def test_libvirt_adds_the_rules_that_verify_assumes(case: Case) -> None:
    for name, plan in case.plans(Family.ROCKY).items():
        started = start(case, name, plan.libvirt_networks)

        own = [rule for chain in _JUDGED for line in started.rules if (rule := as_nft(line, chain)) is not None]

        assert_rules_are_assumed(own, case.out / name / "libvirt")


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: path.stem)
def test_libvirt_that_writes_nftables_adds_the_same_rules(recorded: Path) -> None:
    """Those of 11.3, recorded by tests/rigs/libvirt_nftables.sh."""
    (folder,) = (Path(__file__).parents[1] / "golden" / recorded.stem / "out").glob("*/libvirt")
    chains = dict(re.findall(r"chain (\w+) \{\n(.*?)\n\t\}", recorded.read_text(), re.DOTALL))

    own = [rule for chain in _CHAINS for line in chains[chain].splitlines() if (rule := as_short(line)) is not None]

    assert_rules_are_assumed(own, folder)


def assert_rules_are_assumed(own: list[str], folder: Path) -> None:
    """What decides about a packet are the rules of its bridge, in their order."""
    read = [
        one for path in sorted(folder.glob("*.xml")) for one in read_libvirt("network.xml", path.read_text()).networks
    ]
    lines = [line.strip() for line in libvirt_rules(read).splitlines()]
    assumed = [one for line in lines if re.match(r"[io]ifname|ip saddr", line) for one in single_rules(line)]

    for bridge in (one.bridge for one in read):
        assert of_bridge(own, bridge.name) == of_bridge(assumed, bridge.name)
    assert sorted(own) == sorted(assumed)


_CHAINS = ("guest_cross", "guest_input", "guest_output", "guest_nat")
"""The chains of libvirt's own table, in the order in which they are asked."""
_MATCHES = ("iif ", "oif ", "ip saddr ", "ip daddr ", "ct state ")


def as_short(line: str) -> str | None:
    """Return a rule of nft with its matches in the usual order, None if it decides nothing about forwarding."""
    words = re.sub(r"^type .*|meta l4proto .*|counter ", "", line.strip())
    if not words:
        return None
    *matches, verdict = re.split(r" (?=(?:[io]if|ip|ct) )| (?=\w+$)", words)
    ordered = sorted(matches, key=lambda match: next(n for n, start in enumerate(_MATCHES) if match.startswith(start)))
    return " ".join((*(re.sub(r"^([io]if) ", r"\1name ", match) for match in ordered), verdict))


def single_rules(rule: str) -> list[str]:
    """Return a rule of nft with a set as one rule for each of its elements."""
    found = re.search(r"\{ (.*?) \}", rule)
    return [rule.replace(found[0], one) for one in found[1].split(", ")] if found else [rule]


def of_bridge(rules: list[str], bridge: str | None) -> list[str]:
    return [rule for rule in rules if f'"{bridge}"' in rule]


_OPTIONS = {
    "-i": 'iifname "{}"',
    "-o": 'oifname "{}"',
    "-s": "ip saddr {}",
    "-d": "ip daddr {}",
    "!d": "ip daddr != {}",
    "--ctstate": "ct state established,related",
}
_JUDGED = ("LIBVIRT_FWX", "LIBVIRT_FWI", "LIBVIRT_FWO", "LIBVIRT_PRT")
"""libvirt's chains for forwarded packets, in the order in which they are asked."""


def as_nft(line: str, chain: str) -> str | None:
    """Return a rule of iptables in nft's words, None if it is another chain's or decides nothing about forwarding."""
    words = line.replace("! -d", "!d").split()
    if words[1] != chain or "CHECKSUM" in words or "-p" in words:  # the same again for TCP's and UDP's ports
        return None
    options = dict(zip(words[::2], words[1::2], strict=False)) if len(words) % 2 == 0 else {}
    verdict = {"ACCEPT": "accept", "REJECT": "reject", "RETURN": "return", "MASQUERADE": "masquerade"}[options["-j"]]
    matches = [
        _OPTIONS[key].format(options[key]) for key in ("-i", "-o", "-s", "-d", "!d", "--ctstate") if key in options
    ]
    return " ".join((*matches, verdict)).replace("/32", "")
