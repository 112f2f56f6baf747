"""Mutants of filters, translation, the overlay, and of what follows from them."""

from tests.verify.mutants.mutant import mutant

FILTER_MUTANTS = (
    mutant(
        "two responders are nondeterministic",
        "forwarding.wire:Wire.next_port",
        "len(found) > 1",
        "len(found) > 9",
        "two_responders_are_nondeterministic",
    ),
    mutant(
        "the forwarding flag is that of the card of ingress",
        "forwarding.decisions:Decisions.route",
        'forwards = machine.parameters.value(incoming, "forwarding")',
        'forwards = machine.parameters.value("all", "forwarding")',
        "the_flag_of_the_ingress_card_counts",
    ),
    mutant(
        "the forwarding flag counts in each direction",
        "forwarding.decisions:Decisions.route",
        'forwards = machine.parameters.value(incoming, "forwarding")',
        'forwards = machine.parameters.value("n0", "forwarding")',
        "the_flag_counts_on_the_way_back",
    ),
    mutant(
        "accept ends only its own base chain",
        "network_model.chains:run_chains",
        'if kind != "accept":\n    return verdict or Verdict(kind="drop", base=base, rule=None)',
        'if kind == "accept":\n'
        "    return None\n"
        'if kind != "accept":\n'
        '    return verdict or Verdict(kind="drop", base=base, rule=None)',
        "a_drop_in_a_later_table_holds",
    ),
    mutant(
        "drop is final",
        "network_model.chains:run_chains",
        'kind != "accept"',
        'kind != "accept" and base is chains[-1]',
        "an_earlier_drop_is_final",
    ),
    mutant(
        "an answer begins no connection of TCP",
        "network_model.chains:_holds",
        'packet.kind == "syn"',
        'packet.kind in ("syn", "synack")',
        "an_answer_begins_no_connection",
    ),
    mutant(
        "a packet that begins a connection has SYN alone",
        "network_model.chains:_holds",
        'packet.kind == "syn"',
        'packet.kind == "ack"',
        "a_connection_that_begins_is_told_by_its_flags",
    ),
    mutant(
        "an accept in a jumped chain ends the base chain",
        "network_model.chains:_walk",
        "verdict = _call(base, rule, statement, passage)\nif verdict is not None:\n    return verdict",
        "pass",
        "accept_in_a_jumped_chain_ends_the_base_chain",
    ),
    mutant(
        "goto without a verdict falls to the policy",
        "network_model.chains:_walk",
        "return _call(base, rule, statement, passage)",
        "verdict = _call(base, rule, statement, passage)\nif verdict is not None:\n    return verdict",
        "goto_ends_in_the_policy",
    ),
    mutant(
        "one direction alone is ct state invalid",
        "values.packets:Tracker._opens",
        "return packet.dport == ECHO_REQUEST",
        "return True",
        "half_a_flow_is_invalid",
    ),
    mutant(
        "ct original asks for the destination before translation",
        "network_model.chains:_connection_matches",
        "connection.original[_PLACES[match.of]]",
        "connection.reply[_PLACES[match.of]]",
        "ct_original_is_the_packet_before_translation",
    ),
    mutant(
        "what is dropped before connection tracking is no matter of its state",
        "forwarding.hooks:_end_of",
        'invalid = passage.judged and passage.state == "invalid"',
        'invalid = passage.state == "invalid"',
        "a_drop_before_tracking_is_no_matter_of_state",
    ),
    mutant(
        "a SYN+ACK without its SYN is invalid",
        "values.packets:Tracker.track",
        'if not self._opens(packet):\n    return Tracked(connection=None, answers=False, state="invalid")',
        'if not self._opens(packet):\n    return Tracked(connection=None, answers=False, state="new")',
        "half_a_flow_is_invalid_for_tcp",
    ),
    mutant(
        "an ACK without its SYN+ACK is invalid",
        "values.packets:Tracker.track",
        'packet.kind == "ack" and not (connection.replied or connection.midway or answers)',
        "False",
        "an_ack_without_its_answer_is_invalid",
    ),
    mutant(
        "bridge-nf-call-iptables shows the bridge's host both directions",
        "forwarding.wire:Wire.transmit",
        "bridge is not None and bridge[0].bridge_nf and bridge[0] not in (machine, receiver)",
        "False",
        "bridge_nf_sees_both_directions",
    ),
    mutant(
        "bridged packets pass the host's rules only with bridge-nf-call-iptables",
        "forwarding.wire:Wire.transmit",
        "bridge is not None and bridge[0].bridge_nf and bridge[0] not in (machine, receiver)",
        "bridge is not None and bridge[0] not in (machine, receiver)",
        "without_bridge_nf_nothing_that_is_bridged_is_filtered",
    ),
    mutant(
        "a bridged packet with a new destination is routed by the host",
        "forwarding.walk:Walker._receive",
        "frame.bound_for is not None and not rewritten",
        "frame.bound_for is not None",
        "bridge_nf_routes_what_it_translates_out_of_the_segment",
    ),
    mutant(
        "what the host translates within the segment is bridged",
        "forwarding.walk:Walker._receive",
        "rewritten and hop.interface == incoming and self._wire.filters_bridge(machine, incoming)",
        "False",
        "a_bridge_turns_nothing_back_to_its_sender",
    ),
    mutant(
        "without bridge-nf-call-iptables it is routed",
        "forwarding.wire:Wire.filters_bridge",
        "return machine.bridge_nf and segment is not None and segment.bridge == (machine, interface)",
        "return segment is not None and segment.bridge == (machine, interface)",
        "without_bridge_nf_a_router_turns_back_to_the_sender",
    ),
    mutant(
        "what is routed within the segment untranslated is not bridged",
        "forwarding.walk:Walker._receive",
        "rewritten and hop.interface == incoming and self._wire.filters_bridge(machine, incoming)",
        "hop.interface == incoming and self._wire.filters_bridge(machine, incoming)",
        "a_host_of_a_bridge_routes_back_what_it_does_not_translate",
    ),
    mutant(
        "a bridge sends nothing out of the port by which it came",
        "forwarding.walk:Walker._bridge",
        "port == frame.sent_by",
        "False",
        "a_bridge_turns_back_nothing_that_it_would_have_bridged",
    ),
    mutant(
        "a bridge's host forwards what it bridges",
        "forwarding.walk:Walker._bridge",
        'middle_hook(host, "forward", passage, way)',
        "pass",
        "bridge_nf_forwards_what_it_translates_within_the_segment",
    ),
    mutant(
        "only the first packet of a connection walks the NAT chains",
        "forwarding.hooks:_translate",
        "not bound and not tracked.answers",
        "True",
        "nat_chains_see_only_first_packets",
    ),
    mutant(
        "answers are translated back before routing",
        "forwarding.hooks:open_hooks",
        "_translate(machine, tracked, passage, way, nat=stage.nat if stage else [], source=False, "
        "address_for=lambda: _first_address(machine, passage.incoming))",
        "pass",
        "masquerade_hides_the_source",
    ),
    mutant(
        "NAT chains sleep until something turns tracking on",
        "network_model.chains:Firewall.tracks",
        "any(_turns_tracking_on(rule) for rule in self.rules)",
        "True",
        "nat_chains_sleep_without_tracking",
    ),
    mutant(
        "an accept in an earlier NAT chain exempts nothing",
        "network_model.chains:run_chains",
        "base.is_nat and passage.translation is not None",
        "base.is_nat and verdict is not None",
        "an_earlier_accept_exempts_nothing",
    ),
    mutant(
        "a null translation at an earlier priority exempts",
        "network_model.chains:run_chains",
        "base.is_nat and passage.translation is not None",
        "base.is_nat and False",
        "a_null_translation_exempts",
    ),
    mutant(
        "a map exempts only what it holds",
        "network_model.chains:_walk",
        "break",
        "statement = Statement(kind='snat', keep=True)",
        "a_map_without_the_address_exempts_nothing",
    ),
    mutant(
        "notrack exempts",
        "network_model.chains:_walk",
        "passage.untracked = True",
        "pass",
        "notrack_exempts",
    ),
    mutant(
        "untracked is a state of its own",
        "forwarding.hooks:",
        '"untracked"',
        '"invalid"',
        "untracked_is_a_state_of_its_own",
    ),
    mutant(
        "routing uses the translated destination",
        "forwarding.hooks:open_hooks",
        "_translate(machine, tracked, passage, way, nat=stage.nat if stage else [], source=False, "
        "address_for=lambda: _first_address(machine, passage.incoming))",
        "pass",
        "destination_nat_comes_before_routing",
    ),
    mutant(
        "a node that does not own the pods sends on by flannel.1 and hides the source",
        "forwarding.walk:Walker._receive",
        "hop.interface in _DEVICES and incoming != PODS and incoming not in _DEVICES",
        "False",
        "test_a_node_that_does_not_own_the_pods_hides_the_source",
    ),
    mutant(
        "flannel leaves alone what goes to the node's own pods",
        "network_model.foreign:flannel_ruleset",
        "(rule.matches[0], NumberMatch(of=NumberField.DADDR, ranges=ranges))",
        "rule.matches",
        "test_the_owner_hands_packets_to_its_pods_unchanged",
    ),
    mutant(
        "flannel leaves pod to pod alone",
        "network_model.foreign:flannel_rules",
        'f"""table ip flannel {{\\n\\tchain postrouting {{\\n\\t\\t{_HEAD.format(kind=\'nat\', '
        "point='postrouting', priority='srcnat')}\\n\\t\\tip saddr {pods} ip daddr {pods} "
        "return\\n\\t\\tip saddr {pods} ip daddr != 224.0.0.0/4 masquerade\\n\\t\\tip saddr != {pods} ip "
        'daddr {{ {mine} }} return comment "this node\'s own pods"\\n\\t\\tip saddr != {pods} ip daddr '
        '{pods} masquerade\\n\\t}}\\n}}\\n"""',
        'f"""table ip flannel {{\\n\\tchain postrouting {{\\n\\t\\t{_HEAD.format(kind=\'nat\', '
        "point='postrouting', priority='srcnat')}\\n\\t\\tip saddr {pods} ip daddr 127.0.0.1 "
        "return\\n\\t\\tip saddr {pods} ip daddr != 224.0.0.0/4 masquerade\\n\\t\\tip saddr != {pods} ip "
        'daddr {{ {mine} }} return comment "this node\'s own pods"\\n\\t\\tip saddr != {pods} ip daddr '
        '{pods} masquerade\\n\\t}}\\n}}\\n"""',
        "test_pods_see_each_other_unchanged",
    ),
    mutant(
        "flannel masquerades what pods send elsewhere",
        "network_model.foreign:flannel_rules",
        'f"""table ip flannel {{\\n\\tchain postrouting {{\\n\\t\\t{_HEAD.format(kind=\'nat\', '
        "point='postrouting', priority='srcnat')}\\n\\t\\tip saddr {pods} ip daddr {pods} "
        "return\\n\\t\\tip saddr {pods} ip daddr != 224.0.0.0/4 masquerade\\n\\t\\tip saddr != {pods} ip "
        'daddr {{ {mine} }} return comment "this node\'s own pods"\\n\\t\\tip saddr != {pods} ip daddr '
        '{pods} masquerade\\n\\t}}\\n}}\\n"""',
        'f"""table ip flannel {{\\n\\tchain postrouting {{\\n\\t\\t{_HEAD.format(kind=\'nat\', '
        "point='postrouting', priority='srcnat')}\\n\\t\\tip saddr {pods} ip daddr {pods} "
        "return\\n\\t\\tip saddr {pods} ip daddr 127.0.0.1 masquerade\\n\\t\\tip saddr != {pods} ip "
        'daddr {{ {mine} }} return comment "this node\'s own pods"\\n\\t\\tip saddr != {pods} ip daddr '
        '{pods} masquerade\\n\\t}}\\n}}\\n"""',
        "test_what_a_pod_starts_leaves_with_its_nodes_address",
    ),
    mutant(
        "the tunnel's own packets must get there",
        "forwarding.flannel_tunnel:FlannelTunnel.carry",
        "end.outcome is not Outcome.ACCEPTED",
        "False",
        "test_a_tunnel_needs_a_way_between_its_nodes",
    ),
    mutant(
        "the time to live ends before forward",
        "forwarding.walk:Walker._receive",
        "way.ttl -= 1",
        "way.ttl -= 0",
        "test_the_time_to_live_ends_before_forward",
    ),
    mutant(
        "redirects are sent where a packet leaves as it came",
        "forwarding.walk:Walker._receive",
        "hop.interface == incoming and not rewritten and incoming not in machine.tunnels "
        'and machine.parameters.either(incoming, "send_redirects")',
        "False",
        "test_a_router_that_sends_back_by_the_same_card_sends_redirects",
    ),
    mutant(
        "send_redirects of all or of the card",
        "forwarding.walk:Walker._receive",
        "hop.interface == incoming and not rewritten and incoming not in machine.tunnels "
        'and machine.parameters.either(incoming, "send_redirects")',
        "hop.interface == incoming and not rewritten and incoming not in machine.tunnels",
        "test_no_redirects_where_they_are_switched_off",
    ),
    mutant(
        "a rule that is not known makes the verdict unknown",
        "network_model.chains:_walk",
        "rule.unread is not None or _is_uncertain(rule, passage)",
        "_is_uncertain(rule, passage)",
        "test_a_rule_that_is_not_known_makes_the_verdict_unknown",
    ),
    mutant(
        "a rule that tells client ports apart makes the verdict unknown",
        "network_model.chains:_walk",
        "rule.unread is not None or _is_uncertain(rule, passage)",
        "rule.unread is not None",
        "test_a_rule_that_tells_client_ports_apart_makes_the_verdict_unknown",
    ),
    mutant(
        "a line that is not known makes the verdict unknown",
        "forwarding.endings:stop_at_unknown",
        "if machine.unknown:\n    ...",
        "if False:\n    ...",
        "test_a_line_that_is_not_known_makes_the_verdict_unknown",
    ),
    mutant(
        "unknown counts as arriving where a flow must not arrive",
        "proof.denial:_denied_way_fails",
        "end.outcome.keeps_out",
        "end.outcome is not Outcome.ACCEPTED",
        "test_an_unknown_verdict_refutes_flows_of_either_kind",
    ),
    mutant(
        "translation refutes a flow that allows none",
        "forwarding.conversation:_converse",
        "failed = _hidden_source(walker, end, packet, source, there) if not nat_allowed else None",
        "failed = None",
        "test_translation_refutes_a_flow_that_allows_none",
    ),
    mutant(
        "of chains of one priority the one made last is asked first",
        "network_model.chains:Firewall._stages",
        "bases.sort(key=lambda base: base.loaded, reverse=True)",
        "bases.reverse()",
        "of_chains_of_one_priority_the_one_made_last_translates",
    ),
    mutant(
        "a filter of NAT's priority runs after NAT if it was made before",
        "network_model.chains:Stage.add",
        "base.priority == nat_priority and base.loaded > translating",
        "base.priority == nat_priority",
        "a_filter_of_nats_priority_made_before_it_runs_after_it",
    ),
    mutant(
        "a filter of NAT's priority runs before NAT if it was made after",
        "network_model.chains:Stage.add",
        "base.priority == nat_priority and base.loaded > translating",
        "False",
        "a_filter_of_nats_priority_made_after_it_runs_before_it",
    ),
    mutant(
        "input is translated before later chains",
        "forwarding.hooks:middle_hook",
        'point == "forward"',
        "True",
        "input_is_translated_before_later_chains",
    ),
    mutant(
        "a chain told of twice keeps its policy",
        "reading.formats.nft:_take_hook",
        "chain.hook = hook if before is None else before",
        "chain.hook = hook",
        "a_chain_told_of_twice_keeps_its_policy",
    ),
    mutant(
        "an answer of TCP alone rejects TCP alone",
        "reading.formats.nft_statements:read_reject",
        '{"tcp": ((TCP, TCP),), "icmpv6": ()}',
        '{"icmpv6": ()}',
        "an_answer_of_tcp_alone_rejects_tcp_alone",
    ),
    mutant(
        "an answer of IPv6 alone rejects no IPv4",
        "reading.formats.nft_statements:read_reject",
        '{"tcp": ((TCP, TCP),), "icmpv6": ()}',
        '{"tcp": ((TCP, TCP),)}',
        "an_answer_of_ipv6_alone_rejects_no_ipv4",
    ),
    mutant(
        "what is not known may turn tracking on",
        "network_model.chains:_turns_tracking_on",
        "any((isinstance(match, StateMatch | TranslatedMatch | OpenedMatch) for match in rule.matches)) or "
        "any((statement.kind in NAT_KINDS for statement in rule.statements)) or (rule.unread is not "
        "None and (not _TRACKING_WORDS.isdisjoint(rule.text.split())))",
        "any((isinstance(match, StateMatch | TranslatedMatch | OpenedMatch) for match in rule.matches)) or "
        "any((statement.kind in NAT_KINDS for statement in rule.statements))",
        "test_an_unknown_translation_makes_the_verdict_unknown",
    ),
    mutant(
        "what translation leads into different rules is told apart",
        "proof.classes:Cuts.__init__",
        "_cut_before_translation(rules.values(), ips)\nself._ips = sorted(ips)",
        "self._ips = sorted(ips)",
        "test_addresses_that_a_translation_leads_into_different_rules_are_told_apart",
    ),
    mutant(
        "nobody knows what comes of a tunnel that is translated",
        "forwarding.flannel_tunnel:FlannelTunnel.carry",
        "end.packet != outer",
        "False",
        "test_a_tunnel_that_is_translated_is_unknown",
    ),
    mutant(
        "flannel's WireGuard has peers for the pods of nodes only",
        "network_model.building:_overlay",
        "hops.append(Hop(kind='unicast', interface=device, gateway=None, prefix=wiring.pods, metric=0, origin=origin))",
        "pass",
        "test_flannels_wireguard_has_no_peer_for_pods_of_nobody",
    ),
    mutant(
        "a peer of flannel's takes what the pods of its owner send",
        "forwarding.flannel_tunnel:FlannelTunnel.carry",
        "encrypted and not any(packet.source in pods for pods in machine.pods)",
        "False",
        "test_a_peer_of_flannels_takes_what_the_owners_pods_send[another address]",
    ),
    mutant(
        "flannel's WireGuard has one route for all pods",
        "network_model.fib:Overlay.__init__",
        "route is not None",
        "False",
        "test_flannels_wireguard_has_one_route_for_all_pods",
    ),
    mutant(
        "a tunnel ends at the node that it is for",
        "forwarding.flannel_tunnel:FlannelTunnel.carry",
        "end.machine.name != owner",
        "False",
        "test_a_tunnel_that_ends_at_another_node_of_that_address_is_unknown",
    ),
    mutant(
        "an end of a flow has the address that the topology gives it",
        "network_model.network:Network.mismatch",
        "return missing.get(source) or missing.get(destination) if missing else None",
        "return None",
        "test_a_machine_without_its_address_proves_no_flow_of_either_kind",
    ),
    mutant(
        "an address has the prefix length that the topology gives it",
        "network_model.assigned:compare_addresses",
        "(one.interface, one.ip, one.length) not in there",
        "one.ip not in {key[1] for key in there}",
        "test_an_address_with_another_prefix_length_is_none_of_the_machines",
    ),
    mutant(
        "an error that no flow meets leaves the whole unproved",
        "proof.proof:Verification.proved",
        "self.all_flows_hold and all(finding.severity is Severity.WARNING for finding in self.findings)",
        "self.all_flows_hold or all(finding.severity is Severity.WARNING for finding in self.findings)",
        "test_a_fault_that_no_flow_meets_leaves_the_whole_unproved",
    ),
    mutant(
        "of a named machine's addresses the nearest are meant",
        "proof.on_the_way:Nearness._nearest_spots",
        "frozenset(near or targets)",
        "frozenset(targets)",
        "test_a_name_means_the_address_that_is_the_fewest_routers_away",
    ),
    mutant(
        "a named machine sends from the address that its kernel takes",
        "proof.on_the_way:Nearness._is_sender",
        "return source.first == chosen",
        "return True",
        "test_a_name_sends_from_the_address_that_its_kernel_takes",
    ),
)
