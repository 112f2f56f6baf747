"""The rules that libvirt, flannel and kube-proxy add to ours, written as nft text and read like ours.

They are assumptions: what these programs were observed to do, not what a file below out/ contains.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec.structs import replace

from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.values.addresses import NOWHERE, Prefix, format_range, merge, network_of
from netwright.verify.values.facts import LibvirtNetwork
from netwright.verify.values.nftables import Chain, NumberField, NumberMatch, Ruleset, Table

_HEAD = "type {kind} hook {point} priority {priority}; policy accept;"


def flannel_ruleset(pods: Prefix, own: tuple[Prefix, ...]) -> Ruleset:
    """Return flannel's masquerading on a node with the given pod networks.

    Read once for all nodes: theirs differ in one rule, the one for a node's own pods.
    """
    shared = _shared_flannel_rules(pods).tables["ip", "flannel"].chains["postrouting"]
    ranges = merge(network.range for network in own)
    mine = [replace(rule, matches=(rule.matches[0], NumberMatch(of=NumberField.DADDR, ranges=ranges)))
            if number == _OWN_RULE else rule for number, rule in enumerate(shared.rules)]  # fmt: skip
    chain = Chain(name=shared.name, origin=shared.origin, hook=shared.hook, rules=mine)
    table = Table(family="ip", name="flannel", chains={chain.name: chain})
    return Ruleset(tables={("ip", "flannel"): table})


_OWN_RULE = 2
_ANY_NODES = network_of(0x7F000001, 32)
"""Stands for a node's own pod networks in what all nodes share."""


@lru_cache
def _shared_flannel_rules(pods: Prefix) -> Ruleset:
    return read_rules("flannel", flannel_rules(pods, [_ANY_NODES]))


def flannel_rules(pods: Prefix, own: Sequence[Prefix]) -> str:
    """The rules by which flannel masquerades on a node with the given pod networks, of all `pods` of the cluster."""
    mine = ", ".join(str(network) for network in own)
    return f"""table ip flannel {{
	chain postrouting {{
		{_HEAD.format(kind="nat", point="postrouting", priority="srcnat")}
		ip saddr {pods} ip daddr {pods} return
		ip saddr {pods} ip daddr != 224.0.0.0/4 masquerade
		ip saddr != {pods} ip daddr {{ {mine} }} return comment "this node's own pods"
		ip saddr != {pods} ip daddr {pods} masquerade
	}}
}}
"""


@lru_cache(maxsize=256)
def read_rules(program: str, text: str, *, optional: bool = False) -> Ruleset:
    """The rules that a program is assumed to add; one object for all machines that have the same."""
    ruleset = Ruleset(optional=optional)
    read_nft(f"{program}'s own rules", text, ruleset)
    return ruleset


def kube_proxy_rules() -> str:
    """Return the packets that kube-proxy drops on every Kubernetes node."""
    return f"""table ip kube-proxy {{
	chain forward {{
		{_HEAD.format(kind="filter", point="forward", priority="filter")}
		ct state invalid drop
	}}
}}
"""


def uplink_rules(interface: str) -> str:
    """Return what the device to the internet does to what leaves by it: private sources get an address of its own,
    public ones are known outside."""
    private = ", ".join(format_range(*one) for one in NOWHERE)
    return f"""table ip uplink {{
	chain postrouting {{
		{_HEAD.format(kind="nat", point="postrouting", priority="srcnat")}
		oifname "{interface}" ip saddr {{ {private} }} masquerade
	}}
}}
"""


def libvirt_rules(networks: Iterable[LibvirtNetwork]) -> str:
    """Return the rules that libvirt adds for its networks, by mode; nothing for `open`."""
    ruled = [network for network in networks if network.mode != "open"]
    if not ruled:
        return ""
    forward = [f'iifname "{bridge}" oifname "{bridge}" accept' for bridge in map(_bridge, ruled)]
    for network in ruled:
        forward += _incoming(network)
    for network in ruled:
        forward += _outgoing(network)
    translated = [rule for network in ruled if network.mode == "nat" for rule in _translation(network)]
    return f"""table ip libvirt {{
	chain forward {{
		{_HEAD.format(kind="filter", point="forward", priority="filter")}
		{_lines(forward)}
	}}
	chain postrouting {{
		{_HEAD.format(kind="nat", point="postrouting", priority="srcnat")}
		{_lines(translated)}
	}}
}}
"""


def _lines(rules: list[str]) -> str:
    return "\n\t\t".join(rules)


def _bridge(network: LibvirtNetwork) -> str:
    return network.bridge.name or ""


def _networks(network: LibvirtNetwork) -> list[Prefix]:
    return [network_of(address.ip, address.length) for address in network.bridge.addresses]


def _incoming(network: LibvirtNetwork) -> list[str]:
    """Towards the network: answers only (nat), everything for its own addresses (route), nothing (isolated)."""
    bridge = _bridge(network)
    wanted = {"nat": "ct state established,related ", "route": ""}
    rules = [
        f'oifname "{bridge}" ip daddr {own} {wanted[network.mode]}accept'
        for own in _networks(network)
        if network.mode in wanted
    ]
    return [*rules, f'oifname "{bridge}" reject']


def _outgoing(network: LibvirtNetwork) -> list[str]:
    bridge = _bridge(network)
    rules = [
        f'iifname "{bridge}" ip saddr {own} accept' for own in _networks(network) if network.mode in ("nat", "route")
    ]
    return [*rules, f'iifname "{bridge}" reject']


def _translation(network: LibvirtNetwork) -> list[str]:
    rules = []
    for own in _networks(network):
        rules += [
            f"ip saddr {own} ip daddr {{ 224.0.0.0/24, 255.255.255.255 }} return",
            f"ip saddr {own} ip daddr != {own} masquerade",
        ]
    return rules
