"""One node of the document -> Node, its defaults, networks and groups merged in."""

from collections.abc import Iterator, Mapping
from typing import Any

from netaddr import IPAddress, IPNetwork

from netwright.model import (
    OPERATING_SYSTEMS,
    IpMasqAgent,
    Node,
    OperatingSystem,
    Setting,
    SysctlSetting,
)
from netwright.parse.containers import parse_docker
from netwright.parse.interface import CONF, parse_interface
from netwright.parse.layers import Ground, Layer, Layers, plain
from netwright.parse.rules import (
    parse_chain,
    parse_default_route,
    parse_masquerades,
    parse_nat_exemptions,
    parse_policy_rules,
    parse_routes,
)
from netwright.parse.values import Values, one_or_more, read_ip
from netwright.text.natural import natural_key
from netwright.text.source import TopologyPath

_NETWORK_KEYS = ("dns", "routes", "sysctl", "firewall", "masquerade", "nat_exempt")
"""Keys that a network sets for the nodes on it; its mtu, rp_filter and proxy_arp are for the interfaces."""

_CLUSTER_KEYS = ("dns", "domain", "ntp", "hosts")
"""Settings of nodes that may stand at the top of the document as well."""

Grounds = dict[tuple[tuple[str, ...], tuple[str, ...]], Ground]
"""Settings that nodes inherit from their networks and groups."""


def parse_node(
    name: str, own: Mapping[str, Any], document: Mapping[str, Any], values: Values, grounds: Grounds
) -> Node:
    """The node `name`, whose own settings are given."""
    path = ("nodes", name)
    # As eth2 comes before eth10 in everything that is written, whatever the order in the file.
    interfaces = dict(sorted(own["interfaces"].items(), key=lambda entry: natural_key(entry[0])))
    layers = _layers(name, {**own, "interfaces": interfaces}, document, grounds)
    networks = document["networks"]
    links = tuple(
        parse_interface(one, settings, (*path, "interfaces", one), networks=networks, node_layers=layers, values=values)
        for one, settings in interfaces.items()
    )
    return Node(
        name=name,
        cause=path,
        groups=tuple(own.get("groups", ())),
        os=layers.strongest("os", _operating_system),
        hostname=_hostname(name, own, path),
        domain=layers.strongest("domain", plain),
        dns=layers.strongest("dns", _ips),
        ntp=layers.strongest("ntp", values.time_servers),
        hosts=layers.strongest("hosts", plain),
        role=layers.strongest("kubernetes", plain),
        forward=layers.strongest("forward", plain),
        default_route=layers.strongest("default_route", lambda route, at: parse_default_route(route, at, values)),
        interfaces=tuple(link for link in links if link.attachments),
        links=links,
        routes=parse_routes(layers, values),
        policy_rules=parse_policy_rules(layers, values),
        sysctls=_sysctls(layers, tuple(interfaces)),
        rp_filter=layers.strongest("rp_filter", plain),
        input=parse_chain(layers, "input", values),
        forward_chain=parse_chain(layers, "forward", values),
        masquerades=parse_masquerades(layers, values),
        nat_exemptions=parse_nat_exemptions(layers, values),
        ip_masq_agent=layers.strongest("ip_masq_agent", lambda agent, at: _ip_masq_agent(agent, at, values)),
        pod_networks=tuple(_pod_networks(own.get("pod_cidr"), (*path, "pod_cidr"), values)),
        network_config=layers.strongest("network_config", plain),
        butane_version=layers.strongest("butane_version", plain),
        local_files_mib=layers.strongest("local_files_mib", plain),
        dropins_only=layers.strongest("dropins_only", plain),
        butane_snippets=tuple(Setting(value=file, cause=at) for file, at in layers.members("butane")),
        cloud_init_snippets=tuple(Setting(value=file, cause=at) for file, at in layers.members("cloud_init")),
        trusted=tuple(Setting(value=file, cause=at) for file, at in layers.members("trust")),
        internet=own.get("internet", False),
        firewalld=layers.strongest("firewalld", plain),
        docker=layers.strongest("docker", lambda docker, at: parse_docker(docker, at, values)),
    )


def _hostname(name: str, own: Mapping[str, Any], path: TopologyPath) -> Setting[str]:
    if "hostname" in own:
        return Setting(value=own["hostname"], cause=(*path, "hostname"))
    return Setting(value=name, cause=path)


def _pod_networks(pod_cidr: Any, path: TopologyPath, values: Values) -> Iterator[Setting[IPNetwork]]:
    for number, text in enumerate(() if pod_cidr is None else one_or_more(pod_cidr)):
        at = (*path, number) if isinstance(pod_cidr, list) else path
        yield Setting(value=values.network(text, at), cause=at)


def _layers(name: str, own: Mapping[str, Any], document: Mapping[str, Any], grounds: Grounds) -> Layers:
    attached = dict.fromkeys(
        network
        for interface in own["interfaces"].values()
        for network in ([interface["network"]] if "network" in interface else interface.get("networks", ()))
    )
    networks = document["networks"]
    heard = tuple(network for network in attached if network in networks and networks[network].get("router") != name)
    on = heard, tuple(own.get("groups", ()))
    if on not in grounds:
        grounds[on] = _ground(*on, document)
    return grounds[on].under(Layer(("nodes", name), own))


def _ground(heard: tuple[str, ...], groups: tuple[str, ...], document: Mapping[str, Any]) -> Ground:
    cluster = {key: document[key] for key in _CLUSTER_KEYS if key in document}
    layers = [Layer((), cluster), Layer(("defaults",), document.get("defaults", {}))]
    for network in heard:
        settings = document["networks"][network]
        stated = {key: settings[key] for key in _NETWORK_KEYS if key in settings}
        if stated:
            layers.append(Layer(("networks", network), stated))
    known = document.get("groups", {})
    layers += [Layer(("groups", group), known[group]) for group in groups if group in known]
    return Ground(Layers(tuple(layers)))


def _operating_system(name: str, _path: TopologyPath) -> OperatingSystem:
    return OPERATING_SYSTEMS[name]


def _ips(texts: list[str], _path: TopologyPath) -> tuple[IPAddress, ...]:
    return tuple(dict.fromkeys(map(read_ip, texts)))


def _ip_masq_agent(agent: Mapping[str, Any], path: TopologyPath, values: Values) -> IpMasqAgent:
    return IpMasqAgent(
        non_masquerade_cidrs=values.networks(agent["non_masquerade_cidrs"], (*path, "non_masquerade_cidrs")),
        masq_link_local=agent.get("masq_link_local"),
    )


def _sysctls(layers: Layers, interfaces: tuple[str, ...]) -> tuple[SysctlSetting, ...]:
    strongest: dict[tuple[str, ...], SysctlSetting] = {}
    for settings, path in layers.each("sysctl"):
        for key, value in settings.items():
            words = _words(key, interfaces)
            strongest[words] = SysctlSetting(key=words, value=str(value), cause=(*path, key))
    return tuple(strongest.values())


def _words(key: str, interfaces: tuple[str, ...]) -> tuple[str, ...]:
    """A key's words; with slashes dots are part of words, else interface names are known by the node's interfaces."""
    if "/" in key:
        return tuple(key.split("/"))
    for interface in interfaces:
        for family in ("ipv4", "ipv6"):
            prefix = f"net.{family}.conf.{interface}."
            if key.startswith(prefix):
                return (*CONF[:1], family, "conf", interface, *key[len(prefix) :].split("."))
    return tuple(key.split("."))
