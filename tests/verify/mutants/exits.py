"""Mutants of ways to the internet."""

from tests.verify.mutants.mutant import mutant

EXIT_MUTANTS = (
    mutant(
        "no translation is assumed of a machine with files",
        "network_model.machine_rules:is_translated_outside",
        "return leads_out and assumptions.internet_translates and not configuration.managed",
        "return leads_out and assumptions.internet_translates",
        "test_no_translation_is_assumed_at_a_machine_that_has_files",
    ),
    mutant(
        "the internet knows no private address",
        "network_model.machine:Machine.is_known_outside",
        "return is_public(ip) or any(ip in _network(address) for address in own)",
        "return True",
        "test_no_translation_is_assumed_at_a_machine_that_has_files",
    ),
    mutant(
        "the provider knows the network between",
        "network_model.machine:Machine.is_known_outside",
        "return is_public(ip) or any(ip in _network(address) for address in own)",
        "return is_public(ip)",
        "test_what_a_machine_translates_finds_back_by_its_uplink",
    ),
    mutant(
        "the provider knows public addresses",
        "network_model.machine:Machine.is_known_outside",
        "return is_public(ip) or any(ip in _network(address) for address in own)",
        "return any(ip in _network(address) for address in own)",
        "test_the_provider_knows_public_addresses",
    ),
    mutant(
        "only the provider's router leads to the internet",
        "network_model.machine:Machine.leads_out",
        "return hop.interface == self.exit.interface and hop.gateway == self.exit.gateway",
        "return hop.interface == self.exit.interface",
        "test_a_default_route_to_another_next_hop_is_no_way_to_the_internet",
    ),
    mutant(
        "answers come in by the uplink",
        "forwarding.walk:_uplink",
        "machine.exit.interface if machine.exit is not None and machine.exit.interface is not None else INTERNET",
        "INTERNET",
        "test_answers_from_the_internet_come_in_by_the_uplink",
    ),
    mutant(
        "private packets are not taken on the internet",
        "forwarding.walk:Walker._lead_out",
        'place is not None and place.kind == "outside"',
        "True",
        "test_private_packets_leave_by_the_uplink_and_are_lost",
    ),
    mutant(
        "packets come in by every way to the internet",
        "network_model.network:Network.entrances",
        "tuple(machine for machine in exits if _has_outside(machine, destination)) or exits",
        "(place.machine,)",
        "test_packets_from_the_internet_come_in_by_every_machine_that_leads_there",
    ),
    mutant(
        "a provider is taken for granted",
        "proof.audit:_check_next_hops",
        "machine.leads_out(hop)",
        "False",
        "test_a_provider_is_no_dead_next_hop",
    ),
    mutant(
        "what is for an exit's own address comes in there",
        "network_model.network:Network.entrances",
        "tuple(machine for machine in exits if _has_outside(machine, destination)) or exits",
        "exits",
        "test_what_is_for_an_exits_own_address_comes_in_there",
    ),
)
