"""Mutants of routes with several next hops."""

from tests.verify.mutants.mutant import mutant

NEXT_HOP_MUTANTS = (
    mutant(
        "a flow has to work by each next hop",
        "forwarding.choices:Choices.following",
        "last + 1 < self.sizes[len(taken)]",
        "last + 1 < 0",
        "each_next_hop_has_to_work",
    ),
    mutant(
        "packets between two addresses keep to one next hop",
        "forwarding.decisions:Decisions._choose",
        "(machine.name, hop.origin, hop.prefix, packet.source, packet.destination)",
        "(machine.name, hop.origin, hop.prefix, packet)",
        "packets_of_a_conversation_keep_to_one_next_hop",
    ),
    mutant(
        "strict takes what comes by any of the next hops",
        "forwarding.rpf_and_arp:passes_reverse_path",
        "any(way.interface == incoming for way in hop.every)",
        "all(way.interface == incoming for way in hop.every)",
        "strict_takes_what_comes_by_any_next_hop",
    ),
    mutant(
        "a route is refused with any of its next hops",
        "network_model.route_install:_whole_hops",
        "if not taken:\n    return (), tuple(useless)",
        "if not taken and not ways:\n    return (), tuple(useless)",
        "a_next_hop_that_is_refused_takes_the_route_with_it",
    ),
    mutant(
        "a next hop that is an own address is one among several",
        "network_model.route_install:_whole_hops",
        "if not taken:\n    return (), tuple(useless)",
        "if useless:\n    return (), tuple(useless)",
        "an_own_address_among_several_next_hops_has_the_target_itself_asked",
    ),
)
