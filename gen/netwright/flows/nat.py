"""Masquerading: the places where senders are hidden on the way to the internet, and the flows exempt from it."""

from msgspec import Struct, field

from netwright.flows.exits import NO_EGRESS, OUTSIDE, Egress, leave
from netwright.flows.filters import Passage
from netwright.flows.graph import Hop
from netwright.flows.ledger import Ledger
from netwright.flows.ownership import is_ours
from netwright.flows.types import ExemptionNeed, Networks, Party
from netwright.topology.resolved import ResolvedTopology, host
from netwright.topology.special_addresses import special_kind


class Nat(Struct, frozen=True, kw_only=True):
    """Notes masquerade in a ledger, and at the end, when all of it is known, exemptions from it."""

    resolved: ResolvedTopology
    ledger: Ledger
    internal: Networks
    _passages: list[Passage] = field(default_factory=list)

    def masquerade(self, passage: Passage) -> Party | None:
        """The router that replies go to instead of the senders, where it hides them; None where none does.

        They are hidden by the last router of ours before the internet, and only if the flow allows it; where that leads
        there itself, replies come to it anyhow. Where senders are on the segment of an internet device of others
        nothing is to be hidden by us. Such a device is asked to hide whatever comes to it from private addresses.
        """
        self._passages.append(passage)
        if passage.destination.prefix is not None or passage.flow.nat_never:
            return None
        ours = [
            (hop, sources)
            for hop, sources in zip(passage.way, passage.seen, strict=False)
            if is_ours(self.resolved, hop.router)
        ]
        hiding = self._hide(passage, *ours[-1]) if ours else None
        self._hide_senders_with_an_exit(passage)
        exit_node = passage.destination.owner
        if exit_node is not None and not is_ours(self.resolved, exit_node):
            seen = hiding.addresses if hiding else passage.seen[-1]
            self._note(exit_node, NO_EGRESS, tuple(one for one in seen if special_kind(one) is not None), passage)
        return hiding

    def _hide(self, passage: Passage, hop: Hop, sources: Networks) -> Party | None:
        egress = leave(self.resolved, hop)
        self._note(hop.router, egress, sources, passage)
        router = self.resolved.nodes[hop.router]
        interface = next((one for one in router.interfaces if one.name == egress.interface), None)
        if interface is None or hop.egress == OUTSIDE:
            return None
        own = interface.attachments[0]
        network = self.resolved.networks[own.network]
        return Party(
            nodes=(router.name,), network=network.name, prefix=network.cidr, owner=None, addresses=(host(own.ip),)
        )

    def _hide_senders_with_an_exit(self, passage: Passage) -> None:
        """A sender that leads to the internet itself goes there by its own way, whatever the others do."""
        for node in (self.resolved.nodes[name] for name in passage.source.nodes):
            if node.internet and node.name != passage.destination.owner and is_ours(self.resolved, node.name):
                own = (host(attachment.ip) for interface in node.interfaces for attachment in interface.attachments)
                named = tuple(one for one in own if any(one in network for network in passage.source.addresses))
                self._note(
                    node.name, leave(self.resolved, Hop(router=node.name, ingress="", egress=OUTSIDE)), named, passage
                )

    def _note(self, node: str, egress: Egress, sources: Networks, passage: Passage) -> None:
        for address in sources:
            self.ledger.masquerade(node, egress, address, self.internal, passage.flow.name)

    def exempt(self) -> None:
        """Exemptions for every flow that must keep its address, at every router that would rewrite it."""
        for passage in self._passages:
            if passage.flow.nat_never and not passage.destination.outside:
                need = ExemptionNeed(sources=passage.source.addresses, destinations=passage.destination.addresses)
                for hop in passage.way:
                    if is_ours(self.resolved, hop.router) and self._rewrites(passage, hop):
                        self.ledger.need(hop.router, need, passage.flow.name)

    def _rewrites(self, passage: Passage, hop: Hop) -> bool:
        """Return whether something at the router hides senders: our masquerade, or a libvirt network in mode nat."""
        node = self.resolved.nodes[hop.router]
        egress = leave(self.resolved, hop)
        network = self.resolved.networks[passage.source.network]
        natted = network.libvirt is not None and network.libvirt.forward == "nat"
        is_stated = any(rule.egress == egress.interface for rule in node.masquerades)
        return is_stated or natted or self.ledger.hides(node.name, egress)
