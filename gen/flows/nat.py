"""Where senders are hidden on the way to the internet, and where a flow must be exempt from that."""

from dataclasses import dataclass, field

from gen.fabric import Fabric
from gen.flows.filters import Passage
from gen.flows.graph import Hop
from gen.flows.ledger import Ledger
from gen.flows.ownership import interface_on, is_ours
from gen.flows.types import ExemptionNeed, Networks, Party


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """Notes masquerade in a ledger, and at the end, when all of it is known, exemptions from it."""

    fabric: Fabric
    ledger: Ledger
    internal: Networks
    _passages: list[Passage] = field(default_factory=list)

    def masquerade(self, passage: Passage) -> Party | None:
        """The party that replies go to instead of the senders, where they are hidden; None where they are not.

        They are hidden by the last router of ours before the internet, and only if the flow allows it. Where senders
        are on the internet device's own segment nothing is to be hidden.
        """
        self._passages.append(passage)
        ours = [hop for hop in passage.way if is_ours(self.fabric, hop.router)]
        if passage.destination.prefix is not None or passage.flow.nat_never or not ours:
            return None
        hop = ours[-1]
        router = self.fabric.nodes[hop.router]
        interface = next((one for one in router.interfaces if self.fabric.segment_of(one) == hop.egress), None)
        if interface is None:
            return None
        for address in passage.source.addresses:
            self.ledger.masquerade(router.name, interface.name, address, self.internal, passage.flow.name)
        network = self.fabric.networks[interface.attachments[0].network]
        return Party(nodes=(), network=network.name, prefix=network.cidr, owner=None, addresses=())

    def exempt(self) -> None:
        """Exemptions for every flow that must keep its address, at every router that would rewrite it."""
        for passage in self._passages:
            if passage.flow.nat_never and not passage.destination.outside:
                need = ExemptionNeed(sources=passage.source.addresses, destinations=passage.destination.addresses)
                for hop in passage.way:
                    if is_ours(self.fabric, hop.router) and self._rewrites(passage, hop):
                        self.ledger.need(hop.router, need, passage.flow.name)

    def _rewrites(self, passage: Passage, hop: Hop) -> bool:
        """Whether something at the router hides senders: masquerade of ours, or a libvirt network in mode nat."""
        node = self.fabric.nodes[hop.router]
        egress = interface_on(self.fabric, node, hop.egress)
        network = self.fabric.networks[passage.source.network]
        natted = network.libvirt is not None and network.libvirt.forward == "nat"
        said = any(rule.egress == egress for rule in node.masquerades)
        return said or natted or (egress is not None and self.ledger.hides(node.name, egress))
