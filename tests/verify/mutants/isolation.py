"""Mutants of what is found without flows: packets into and out of isolated networks, and pods that others hear of."""

from tests.verify.mutants.mutant import mutant

ISOLATION, EXPOSURE = "proof.isolation", "proof.exposure:Exposure"

ISOLATION_MUTANTS = (
    mutant(
        "a machine on an isolated network may use its addresses there",
        f"{ISOLATION}:_entrance",
        'start.kind == "machine" and _is_on(prefix, start.machine)',
        "False",
        "test_machines_on_both_networks_that_pass_nothing_on_are_on_the_network",
    ),
    mutant(
        "a packet enters an isolated network by a card that is on it",
        f"{ISOLATION}:_entrance",
        "_leaves_by(prefix, crossing)",
        "False",
        "test_what_a_router_passes_on_is_found_there[what-comes-in]",
    ),
    mutant(
        "a packet enters an isolated network at a machine that takes it",
        f"{ISOLATION}:_entrance",
        "end.outcome is Outcome.ACCEPTED and way.crossings",
        "False",
        "test_an_address_on_the_network_that_answers_elsewhere_is_found",
    ),
    mutant(
        "a packet leaves an isolated network by another card",
        f"{ISOLATION}:_exit",
        "further is not None",
        "False",
        "test_what_a_router_passes_on_is_found_there[what-goes-out]",
    ),
    mutant(
        "a packet leaves an isolated network for the internet",
        f"{ISOLATION}:_exit",
        'end.outcome is Outcome.ACCEPTED and end.place == "outside"',
        "False",
        "test_a_machine_that_leads_to_the_internet_is_found",
    ),
    mutant(
        "pods are not on an isolated network",
        f"{ISOLATION}:_ends",
        "(near, [*other, *pods])",
        "(near, [*other])",
        "test_pods_of_a_machine_on_the_network_are_elsewhere",
    ),
    mutant(
        "a program may turn forwarding on between isolated networks",
        f"{ISOLATION}:_tries_one_way",
        "Walker(network, assume_forwarding, assume_forwarding=True, unwanted=True)",
        "Walker(network, assume_forwarding, unwanted=True)",
        "test_a_machine_on_which_a_program_turns_forwarding_on_is_found",
    ),
    mutant(
        "a redirect leads into an isolated network",
        f"{ISOLATION}:_tries_one_way",
        "again is not None",
        "False",
        "test_a_redirect_leads_into_the_network",
    ),
    mutant(
        "one port is enough to open an isolated network",
        f"{ISOLATION}:_breaches",
        "cuts.traffic(_TRIED)",
        "cuts.traffic(_TRIED[:1])",
        "test_what_a_router_passes_on_is_found_there[one-port-alone]",
    ),
    mutant(
        "a route to pods leads packets to where they leak",
        f"{EXPOSURE}.spares",
        "any(one.hop.prefix.length for one in way.crossings)",
        "False",
        "test_pods_that_a_router_may_hear_of_leak[routed-to]",
    ),
    mutant(
        "a machine that hears of pods may send to them",
        f"{EXPOSURE}.spares",
        "known or any((one.hop.prefix.length for one in way.crossings))",
        "any((one.hop.prefix.length for one in way.crossings))",
        "test_pods_that_a_router_may_hear_of_leak[half-of-the-pods-are-known]",
    ),
    mutant(
        "a machine hears of pods by the sources of packets",
        f"{EXPOSURE}._exposed",
        "crossing.receiver is not None and self._network.pod_network(crossing.packet.source) is not None",
        "crossing.receiver is not None",
        "test_no_packet_for_pods_comes_to_a_router_from_which_flannel_hides_them",
    ),
    mutant(
        "what is spared is assumed",
        f"{EXPOSURE}.spares",
        "self.spared[last.name] = None",
        "pass",
        "test_no_packet_for_pods_comes_to_a_router_from_which_flannel_hides_them",
    ),
    mutant(
        "pods answer with their own addresses",
        f"{EXPOSURE}._ways",
        "yield from filter(None, (result.there, result.reply))",
        "yield from filter(None, (result.there,))",
        "test_pods_that_a_router_may_hear_of_leak[half-of-the-pods-are-known]",
    ),
)
