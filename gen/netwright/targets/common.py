"""Files that look the same on every operating system."""

import json
from collections.abc import Iterator

from netwright.files.artifact import NodeFile
from netwright.model import IpMasqAgent
from netwright.plan.types import NodePlan
from netwright.templating.render import Renderer

RULESET_PATH = "/etc/nftables/netwright.nft"
RULESET_UNIT = "netwright-nftables.service"
KEYS_SCRIPT = "/etc/netwright/wireguard-keys.sh"
K3S_CONFIG = "/etc/rancher/k3s/config.yaml.d/10-netwright.yaml"
"""Read behind config.yaml, in the order of names; what a later file says wins (K3s 1.21 and later)."""
TIMESYNCD = "/etc/systemd/timesyncd.conf.d/10-netwright.conf"
CHRONY, CHRONY_SERVERS = "/etc/chrony.conf", "/etc/chrony.d/10-netwright.conf"
"""What sets a clock, and from where: chronyd does not start if there is no folder from which it is to read more."""
HOSTS = "/etc/hosts"
OUR_HOSTS, HOSTS_SCRIPT = "/etc/netwright/hosts", "/etc/netwright/hosts.sh"
"""Lines of /etc/hosts where other lines stay, and what puts them there."""
KEEPALIVED, HAPROXY = "/etc/keepalived/keepalived.conf", "/etc/haproxy/haproxy.cfg"
KEYS_UNIT = "netwright-wireguard.service"
"""What gives NetworkManager the private keys of WireGuard before it starts."""


def text_file(path: str, text: str, mode: int = 0o644) -> NodeFile:
    """A file of root's with that text."""
    return NodeFile(path=path, content=text.encode(), mode=mode)


def common_files(plan: NodePlan, renderer: Renderer, *, sysctl_path: str) -> Iterator[NodeFile]:
    """Hostname, names of cards, kernel parameters, ruleset, and configurations of ip-masq-agent and K3s."""
    yield text_file("/etc/hostname", f"{plan.hostname}\n")
    for link in (one for one in plan.links if one.is_renamed):
        yield text_file(f"/etc/systemd/network/10-{link.name}.link", renderer.render("common/card.link.j2", link=link))
    if plan.sysctls:
        yield text_file(sysctl_path, renderer.render_once("common/sysctl.conf.j2", sysctls=plan.sysctls))
    if plan.ruleset and not plan.firewalld_managed:
        yield text_file(RULESET_PATH, renderer.render_once("common/netwright.nft.j2", ruleset=plan.ruleset))
    if plan.ip_masq_agent:
        yield text_file("/etc/config/ip-masq-agent", _ip_masq_agent(plan.ip_masq_agent))
    if plan.k3s:
        yield text_file(K3S_CONFIG, renderer.render_once("common/k3s.yaml.j2", settings=plan.k3s), mode=0o600)


def ruleset_unit(renderer: Renderer) -> str:
    """The unit that loads the ruleset before the network is up."""
    return renderer.render_once(f"common/{RULESET_UNIT}.j2")


def _ip_masq_agent(agent: IpMasqAgent) -> str:
    """Its configuration as JSON, which is YAML too (ip-masq-agent, README "Configuring the agent")."""
    document: dict[str, object] = {"nonMasqueradeCIDRs": [str(network) for network in agent.non_masquerade_cidrs]}
    if agent.masq_link_local is not None:
        document["masqLinkLocal"] = agent.masq_link_local
    return json.dumps(document, indent=2) + "\n"
