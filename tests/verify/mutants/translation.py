"""Mutants of what port forwards rest on: translated destinations, and addresses of the machine's own."""

from tests.verify.mutants.mutant import mutant

TRANSLATION_MUTANTS = (
    mutant(
        "ct status dnat is that of translated connections alone",
        "network_model.chains:_matches",
        "passage.connection is None or not passage.connection.has_other_destination",
        "False",
        "what_nothing_has_translated_is_not_led_on",
    ),
    mutant(
        "ct status dnat is there once the destination is translated",
        "network_model.chains:_matches",
        "passage.connection is None or not passage.connection.has_other_destination",
        "True",
        "a_port_forward_leads_on",
    ),
    mutant(
        "a translation to what it was is none",
        "values.packets:Connection.has_other_destination",
        "inverse(self.reply)[3:] != self.original[3:]",
        "self.destination_bound",
        "translation_to_the_same_address_is_none",
    ),
    mutant(
        "only packets whose destination is translated are of status dnat",
        "values.packets:Connection.has_other_destination",
        "inverse(self.reply)[3:] != self.original[3:]",
        "True",
        "only_translated_packets_are_hidden",
    ),
    mutant(
        "addresses of others are not local",
        "network_model.chains:_matches",
        "passage.own(packet.destination) is match.negated",
        "match.negated",
        "what_is_for_others_is_not_for_the_machine",
    ),
    mutant(
        "addresses of every card are local",
        "forwarding.walk:Walker._receive",
        "machine.owns",
        "lambda ip: any(ip == one.ip for one in machine.addresses.get(incoming, ()))",
        "own_addresses_are_those_of_every_card",
    ),
    mutant(
        "an earlier chain translates before others",
        "network_model.chains:Firewall._stages",
        "bases.sort(key=lambda base: base.priority)",
        "bases.sort(key=lambda base: -base.priority)",
        "of_two_forwards_the_earlier_chain_decides",
    ),
    mutant(
        "a redirect leads to the first address of the card",
        "forwarding.hooks:_first_address",
        "next((address.ip for address in machine.addresses.get(incoming, ())), None)",
        "next((address.ip for address in reversed(machine.addresses.get(incoming, ()))), None)",
        "a_redirect_takes_the_first_address_of_the_card",
    ),
    mutant(
        "a redirect leads to the machine itself",
        "forwarding.hooks:_bind",
        'statement.kind in ("dnat", "redirect")',
        'statement.kind == "dnat"',
        "a_redirect_leads_to_the_machine_itself",
    ),
    mutant(
        "answers past the router belong to no connection",
        "forwarding.conversation:_failure",
        "end.packet.key != expected",
        "False",
        "answers_past_the_router_belong_to_no_connection",
    ),
)
