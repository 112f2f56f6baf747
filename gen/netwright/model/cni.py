"""Network plugins of Kubernetes: what each takes of the hosts by its documentation, unless the topology states it.

- Cilium (docs.cilium.io, "System Requirements", Firewall Rules): ICMP and tcp/4240 for cilium-health among all nodes;
  udp/8472 for its default overlay, VXLAN. Geneve (udp/6081), WireGuard (udp/51871) and IPsec (esp) are stated.
- Calico (docs.tigera.io, "System requirements", Network requirements): udp/4789 for VXLAN, tcp/179 for BGP among the
  nodes, tcp/5473 for Typha. WireGuard (udp/51820) is stated; IP-in-IP is no protocol that a flow can name.
- Canal is Calico's policy with flannel's VXLAN (its manifest, net-conf.json): udp/8472, the kernel's own port.

All of them give what pods send out of the cluster the node's address by default (Cilium: enable-ipv4-masquerade;
Calico: natOutgoing of the default pool; flannel: --ip-masq).
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from netwright.model.traffic import Traffic

CniPlugin = Literal["flannel", "cilium", "calico", "canal", "other", "none"]
PodRoutes = Literal["node", "tunnel", "bgp"]
"""How packets for pods of another node get there: nodes and routers have routes to it, the plugin carries them in a
tunnel of its own, or it tells others of the routes by BGP."""
FOREIGN: frozenset[CniPlugin] = frozenset({"cilium", "calico", "canal", "other"})
"""The plugins of which netwright knows what they need, and not what they do."""
_HEALTH = ("icmp", "tcp/4240")
_TYPHA = "tcp/5473"
PLUGIN_PORTS: Mapping[tuple[CniPlugin, PodRoutes], tuple[str, ...]] = {
    ("cilium", "node"): _HEALTH,
    ("cilium", "tunnel"): (*_HEALTH, "udp/8472"),
    ("cilium", "bgp"): _HEALTH,
    ("calico", "node"): (_TYPHA,),
    ("calico", "tunnel"): ("udp/4789", _TYPHA),
    ("calico", "bgp"): ("tcp/179", _TYPHA),
    ("canal", "tunnel"): ("udp/8472",),
}


class Cni(Struct, frozen=True, kw_only=True):
    """A plugin that is not flannel: how pods are routed, whether they are hidden outside of the cluster, and what
    traffic among the nodes it needs."""

    routes: PodRoutes
    masquerades: bool
    ports: tuple[Traffic, ...]

    @property
    def carries_pods(self) -> bool:
        """Return whether nodes send to pods of others by the plugin's own ways, which no route of ours may replace."""
        return self.routes != "node"
