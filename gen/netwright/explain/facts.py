"""The facts of a plan, each with its cause, its flows, and the plan without it."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from msgspec.structs import replace
from netaddr import IPAddress, IPNetwork

from netwright.explain.fact import Fact, FactKind, Removal
from netwright.explain.libvirt_facts import libvirt_facts
from netwright.explain.link_facts import link_facts
from netwright.explain.ruleset_facts import ruleset_facts
from netwright.explain.virtual_address_facts import virtual_address_facts
from netwright.plan.types import NodePlan, PlannedTimeServer, Sysctl
from netwright.text.source import TopologyPath


def facts_of(plan: NodePlan) -> Iterator[Fact]:
    """All facts of a plan."""
    yield from _single_facts(plan)
    for link in plan.links:
        yield from link_facts(link)
    for network in plan.libvirt_networks:
        yield from libvirt_facts(network)
    for sysctl in plan.sysctls:
        yield Fact(
            title=f"kernel parameter {'.'.join(sysctl.key)} = {sysctl.value}",
            cause=sysctl.cause,
            flows=sysctl.flows,
            kind=FactKind.PARAMETER,
            without=_without_sysctl(sysctl),
        )
    yield from ruleset_facts(plan)
    yield from _k3s_facts(plan)
    yield from _hosts_facts(plan)
    yield from _time_facts(plan)
    yield from virtual_address_facts(plan)


def _single_facts(plan: NodePlan) -> Iterator[Fact]:
    causes = dict(plan.causes)
    yield Fact(
        title=f"host name {plan.hostname}",
        cause=causes.get("hostname", plan.cause),
        flows=(),
        without=lambda one: replace(one, hostname="another"),
    )
    yield from _optional_facts(plan, causes)
    for snippet in (*plan.butane_snippets, *plan.cloud_init_snippets):
        yield Fact(
            title=f"snippet {snippet.path}",
            cause=snippet.cause,
            flows=(),
            without=_without_snippet(snippet.path),
        )
    yield Fact(
        title="identity of the node's connections and networks (UUIDs)",
        cause=("name",),
        flows=(),
        without=_without_identity,
    )


def _optional_facts(plan: NodePlan, causes: Mapping[str, TopologyPath]) -> Iterator[Fact]:
    if plan.ip_masq_agent is not None:
        yield Fact(
            title="configuration of ip-masq-agent",
            cause=causes["ip_masq_agent"],
            flows=(),
            without=lambda one: replace(one, ip_masq_agent=None),
        )
    if plan.firewalld_masked:
        yield Fact(
            title="firewalld is masked",
            cause=causes.get("firewalld", plan.cause),
            flows=(),
            without=lambda one: replace(one, firewalld_masked=False),
        )
    if plan.firewalld_managed:
        yield Fact(
            title="firewalld is managed",
            cause=causes.get("firewalld", plan.cause),
            flows=(),
            without=_without_firewalld,
        )
    if "butane_version" in causes:
        version = "1.1.0" if plan.butane_version == "1.0.0" else "1.0.0"
        yield Fact(
            title=f"Butane version {plan.butane_version}",
            cause=causes["butane_version"],
            flows=(),
            without=lambda one: replace(one, butane_version=version),
        )


def _without_firewalld(plan: NodePlan) -> NodePlan:
    links = tuple(replace(link, zone=None) for link in plan.links)
    return replace(plan, firewalld_managed=False, links=links)


def _without_identity(plan: NodePlan) -> NodePlan:
    other = UUID(int=0)
    return replace(
        plan,
        cluster="another",
        links=tuple(replace(link, uuid=other) for link in plan.links),
        libvirt_networks=tuple(replace(network, uuid=other) for network in plan.libvirt_networks),
    )


def _k3s_facts(plan: NodePlan) -> Iterator[Fact]:
    for setting in plan.k3s:
        yield Fact(
            title=f"K3s's {setting.key.removesuffix('+')}: {setting.value or ', '.join(setting.values)}",
            cause=setting.cause,
            flows=(),
            without=_without_k3s_setting(setting.key),
        )
    if plan.k3s:
        yield Fact(
            title="settings of K3s",
            cause=("kubernetes", "config"),
            flows=(),
            without=lambda one: replace(one, k3s=()),
            whole=True,
        )


def _hosts_facts(plan: NodePlan) -> Iterator[Fact]:
    for record in plan.hosts:
        yield Fact(
            title=f"{record.ip} is {record.names[0]}",
            cause=record.cause,
            flows=(),
            without=_without_record(record.ip),
        )
    if plan.hosts:
        yield Fact(
            title="names of all nodes and virtual addresses in /etc/hosts",
            cause=dict(plan.causes)["hosts"],
            flows=(),
            without=lambda one: replace(one, hosts=()),
            whole=True,
        )


def _without_record(ip: IPAddress) -> Removal:
    return lambda plan: replace(plan, hosts=tuple(one for one in plan.hosts if one.ip != ip))


def _time_facts(plan: NodePlan) -> Iterator[Fact]:
    for server in plan.time_servers:
        yield Fact(
            title=f"time server {server.text}", cause=server.cause, flows=(), without=_without_time_server(server)
        )
    for asker in plan.time_askers if plan.time_servers else ():
        yield Fact(
            title=f"{asker} may ask for the time", cause=plan.cause, flows=(), without=_without_time_asker(asker)
        )
    if plan.time_servers:
        yield Fact(
            title="time servers",
            cause=dict(plan.causes)["ntp"],
            flows=(),
            without=lambda one: replace(one, time_servers=()),
            whole=True,
        )


def _without_time_server(server: PlannedTimeServer) -> Removal:
    return lambda plan: replace(plan, time_servers=tuple(one for one in plan.time_servers if one != server))


def _without_time_asker(asker: IPNetwork) -> Removal:
    return lambda plan: replace(plan, time_askers=tuple(one for one in plan.time_askers if one != asker))


def _without_k3s_setting(key: str) -> Removal:
    return lambda plan: replace(plan, k3s=tuple(setting for setting in plan.k3s if setting.key != key))


def _without_snippet(path: str) -> Removal:
    return lambda plan: replace(
        plan,
        butane_snippets=tuple(snippet for snippet in plan.butane_snippets if snippet.path != path),
        cloud_init_snippets=tuple(snippet for snippet in plan.cloud_init_snippets if snippet.path != path),
    )


def _without_sysctl(sysctl: Sysctl) -> Removal:
    return lambda plan: replace(plan, sysctls=tuple(one for one in plan.sysctls if one.key != sysctl.key))
