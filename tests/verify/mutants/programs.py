"""Mutants of what other programs on the machines do."""

from tests.verify.mutants.mutant import mutant

PROGRAM_MUTANTS = (
    mutant(
        "holders that hear each other in one way are no fault",
        "heartbeat",
        "if ends and all(",
        "if ends and any(",
        "test_holders_hear_each_other_by_multicast_or_by_unicast",
    ),
    mutant(
        "a denied flow is not proved by what firewalld refuses",
        "firewall",
        "if base.optional and passage.unwanted:",
        "if False:",
        "test_what_firewalld_refuses_is_not_proved_to_be_kept_out",
    ),
    mutant(
        "what firewalld refuses counts for a flow that must arrive",
        "firewall",
        "if base.optional and passage.unwanted:",
        "if base.optional:",
        "test_firewalld_forwards_nothing",
    ),
    mutant(
        "firewalld runs where it is said to",
        "programs",
        'return state == "running" or (',
        "return (",
        "test_firewalld_forwards_nothing",
    ),
    mutant(
        "Docker drops what it has to forward for others",
        "programs",
        'docker_rules("accept" if forwards else "drop")',
        'docker_rules("drop")',
        "test_docker_forwards_for_others_where_forwarding_was_on_before",
    ),
    mutant(
        "Docker has a network of its own",
        "machine",
        "if name in wiring.docker and (",
        "if False and (",
        "test_docker_has_a_network_of_its_own",
    ),
    mutant(
        "flannel's card is that of the default route",
        "flannel",
        "return min(defaults)[1] if defaults else pod.interface",
        "return pod.interface",
        "test_flannel_takes_the_card_of_the_default_route",
    ),
    mutant(
        "flannel's card is the one that is stated",
        "flannel",
        "if pod.stated:",
        "if False:",
        "test_flannel_takes_the_card_that_the_topology_states",
    ),
    mutant(
        "flannel's card is the one that K3s is told",
        "flannel",
        "if told is not None and told.values:",
        "if False:",
        "test_flannel_takes_the_card_that_k3s_is_told",
    ),
    mutant(
        "an advertisement passes the receiver's input",
        "heartbeat",
        '        middle_hook(receiver, "input", arriving, way)\n',
        "",
        "test_a_holder_that_hears_no_other_is_found",
    ),
    mutant(
        "a card drops what is longer than its own MTU",
        "sizes",
        "limit is None or size <= limit.octets",
        "limit is None or size <= limit.octets + 999",
        "test_a_card_drops_what_is_longer_than_its_own_mtu",
    ),
    mutant(
        "a router tells the sender that its packets are too large",
        "sizes",
        "if end.outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN):",
        "if end.outcome is not Outcome.UNKNOWN:",
        "test_a_sender_is_told_of_a_smaller_card_behind_a_router",
    ),
    mutant(
        "TCP sends what the smaller end takes",
        "sizes",
        "sizes = (min(sizes), min(sizes))",
        "sizes = (max(sizes), max(sizes))",
        "test_tcp_sends_what_the_smaller_end_takes",
    ),
    mutant(
        "a tunnel adds to each packet",
        "sizes",
        "_outer_loss(size + VXLAN_OCTETS, crossing.outer)",
        "_outer_loss(size, crossing.outer)",
        "test_a_tunnel_adds_to_each_packet",
    ),
)
