"""Mutants of pools: who answers, and the routes that a router learns."""

from tests.verify.mutants.mutant import mutant

POOL_MUTANTS = (
    mutant(
        "a router has the routes that it learns",
        "network_model.assumed:assumed_links",
        "address.learned is not None and address.learned.router == name",
        "False",
        "test_a_learned_route_leads_to_the_node_whose_turn_it_is",
    ),
    mutant(
        "an address is on its own node alone",
        "network_model.assumed:assumed_links",
        "address.node != name",
        "False",
        "test_a_learned_route_leads_to_the_node_whose_turn_it_is",
    ),
    mutant(
        "a pool moves as one",
        "proof.proof:_holdings",
        "address.pool or address.ip",
        "address.ip",
        "test_addresses_of_a_pool_have_their_turns_together",
    ),
    mutant(
        "a Service may have any port of a pool's address",
        "network_model.network:Network.is_for_services",
        "pooled or contains(self.node_ports.get(packet.protocol, ()), packet.dport)",
        "contains(self.node_ports.get(packet.protocol, ()), packet.dport)",
        "test_what_only_an_input_chain_refuses_may_be_a_services_at_any_port",
    ),
)
