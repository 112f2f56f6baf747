"""Mutants of what machines get from DHCP servers."""

from tests.verify.mutants.mutant import mutant

LEASES = "network_model.leases"
UNHEARD = "network_model.unheard"
FAILS = "test_a_lease_that_is_not_as_the_topology_has_it_fails_the_flow"

LEASE_MUTANTS = (
    mutant(
        "rules of libvirt's host keep leases from its guests",
        "network_model.assigned:_never_leased",
        "refusal is not None",
        "False",
        f"{FAILS}[a-host-that-does-not-hear-the-question]",
    ),
    mutant(
        "who asks for a lease has no address",
        f"{UNHEARD}:refuse_lease",
        "Packet(UDP, _NO_ADDRESS, _CLIENT, _EVERYONE, _SERVER)",
        "Packet(UDP, own, _CLIENT, _EVERYONE, _SERVER)",
        f"{FAILS}[a-host-that-hears-of-machines-with-addresses-only]",
    ),
    mutant(
        "the answer to a broadcast opens a connection",
        f"{UNHEARD}:_refuse",
        '"untracked" if passage.untracked else "new"',
        '"established"',
        f"{FAILS}[a-host-whose-answers-are-dropped]",
    ),
    mutant(
        "a rule that is not known may keep leases from guests",
        f"{UNHEARD}:_describe",
        'verdict.kind == "unknown"',
        "False",
        f"{FAILS}[a-host-with-a-rule-that-is-not-known]",
    ),
    mutant(
        "libvirt's server keeps an address for a card",
        f"{LEASES}:_fault",
        "if kept is None:\n    ...",
        "if kept is None:\n    return None",
        f"{FAILS}[the-server-keeps-it-for-another-card]",
    ),
    mutant(
        "libvirt's server keeps the topology's address",
        f"{LEASES}:_fault",
        "kept == address.ip",
        "kept is not None",
        f"{FAILS}[the-server-keeps-another-address]",
    ),
    mutant(
        "a card without a hardware address has no kept address",
        f"{LEASES}:_fault",
        "if mac is None:\n    ...",
        "if mac is None:\n    return None",
        "test_a_card_without_a_hardware_address_has_no_kept_address",
    ),
    mutant(
        "a lease that brings routes is not known",
        f"{LEASES}:_doubt",
        "link.lease is not None and link.lease.brings_routes",
        "False",
        f"{FAILS}[routes-by-networkd]",
    ),
    mutant(
        "an address that no server keeps is not known",
        f"{LEASES}:_doubt",
        "not own",
        "False",
        "test_an_address_that_the_topology_leaves_to_a_server_is_not_known",
    ),
    mutant(
        "what the topology leaves to a server is meant",
        f"{LEASES}:take_leases",
        "(node, name) in leases.open",
        "False",
        "test_what_takes_all_that_a_lease_brings_is_told_without_an_error",
    ),
    mutant(
        "an unknown server's lease is an assumption",
        f"{LEASES}:find_leases",
        "assumed.append(address)",
        "pass",
        "test_what_a_server_keeps_is_proved_and_what_an_unknown_one_does_is_an_assumption",
    ),
    mutant(
        "networkd gives the network of a leased address a metric",
        f"{LEASES}:take_leases",
        'link.manager == "networkd"',
        "False",
        "test_the_network_of_a_leased_address_has_the_metric_of_what_asked_for_it",
    ),
)
