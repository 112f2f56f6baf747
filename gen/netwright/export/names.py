"""Names and addresses in the formats of name services."""

from netwright.topology.host_records import host_records
from netwright.topology.resolved import ResolvedTopology

_HEADER = "# Written by netwright; edit the topology instead.\n"


def render_hosts(resolved: ResolvedTopology) -> str:
    """Lines of /etc/hosts (hosts(5))."""
    return _HEADER + "".join(f"{one.line}\n" for one in host_records(resolved))


def render_dnsmasq(resolved: ResolvedTopology) -> str:
    """Lines of dnsmasq.conf, which answer questions for names and for addresses (dnsmasq(8), --host-record)."""
    return _HEADER + "".join(f"host-record={','.join(one.names)},{one.ip}\n" for one in host_records(resolved))


def render_coredns(resolved: ResolvedTopology) -> str:
    """The plugin `hosts` of a Corefile; other names are left to the plugins behind it (coredns.io/plugins/hosts)."""
    lines = "".join(f"    {one.line}\n" for one in host_records(resolved))
    return f"{_HEADER}hosts {{\n{lines}    fallthrough\n}}\n"
