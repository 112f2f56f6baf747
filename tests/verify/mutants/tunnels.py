"""Mutants of WireGuard: cryptokey routing both ways, handshakes, and ends of tunnels that stand for each other."""

from tests.verify.mutants.mutant import mutant

ENDS, TWINS = "test_a_packet_by_a_tunnel_ends", "test_ends_of_tunnels_stand_for_each_other"
WALK, HANDSHAKE = "forwarding.wireguard_tunnel:WireguardTunnel.carry", "forwarding.handshakes:TunnelProbe"

TUNNEL_MUTANTS = (
    mutant(
        "a packet is for the peer that has its destination",
        "network_model.tunnels:Tunnel.peer_for",
        "return None",
        "return next(iter(self.peers), None)",
        f"{ENDS}[no-peer-has-the-address]",
    ),
    mutant(
        "of two peers the longest prefix decides",
        "network_model.tunnels:_index",
        "sorted(found, reverse=True)",
        "sorted(found)",
        f"{ENDS}[a-longer-prefix-is-another's]",
    ),
    mutant(
        "a peer takes what comes from the sender's addresses",
        WALK,
        "back is None or back.key is None or back.key.value != tunnel.key",
        "False",
        f"{ENDS}[it-does-not-take-the-source]",
    ),
    mutant(
        "the source belongs to the peer of the longest prefix",
        WALK,
        "back.key.value != tunnel.key",
        "other.tunnels[end[1]].peer_with(tunnel.key) is None",
        f"{ENDS}[the-source-is-another-peer's]",
    ),
    mutant(
        "both ends know each other's keys",
        f"{HANDSHAKE}._try",
        "peer is None or known is None",
        "peer is None",
        f"{ENDS}[it-has-no-such-peer]",
    ),
    mutant(
        "who is not told where a peer is does not begin",
        f"{HANDSHAKE}._try",
        "return _failed(machine, packet, f'is not told where {other.name} is (Endpoint)', peer.origin, told=False)",
        "return Handshake(fault=None)",
        f"{ENDS}[no-end-is-told-where-the-other-is]",
    ),
    mutant(
        "an end that is told begins only if it has something to send",
        f"{HANDSHAKE}.carry",
        "peer.keepalive is not None or opened",
        "True",
        f"{ENDS}[the-other-end-is-told,-and-silent]",
    ),
    mutant(
        "a keepalive keeps the way open",
        f"{HANDSHAKE}.carry",
        "peer.keepalive is not None or opened",
        "opened",
        f"{ENDS}[the-other-end-keeps-the-way-open]",
    ),
    mutant(
        "answers go to where the question came from",
        f"{HANDSHAKE}.carry",
        "peer.keepalive is not None or opened",
        "peer.keepalive is not None",
        f"{ENDS}[the-other-end-answers-where-it-is-not-told]",
    ),
    mutant(
        "a peer hears on the port on which it listens",
        f"{HANDSHAKE}._try_known",
        "end.packet.dport != listens",
        "False",
        f"{ENDS}[it-listens-on-another-port]",
    ),
    mutant(
        "the endpoint is the peer's",
        f"{HANDSHAKE}._try_known",
        "end.machine is not other or end.place != 'machine'",
        "False",
        f"{ENDS}[the-endpoint-is-another-machine's]",
    ),
    mutant(
        "what carries a tunnel passes the rules on its way",
        f"{HANDSHAKE}._try_known",
        "if end.outcome is not Outcome.ACCEPTED:\n    ...",
        "if False:\n    ...",
        f"{ENDS}[rules-drop-what-carries-it]",
    ),
    mutant(
        "the answers of a handshake pass the rules too",
        f"{HANDSHAKE}._try_known",
        "end.outcome is not Outcome.ACCEPTED or end.machine is not machine",
        "False",
        f"{ENDS}[rules-drop-its-answers]",
    ),
    mutant(
        "twins listen on the same port",
        "proof.meshes:Meshes.describe",
        "yield interface, tunnel.port, self._place(tunnel.endpoint, machine.name), number",
        "yield interface, self._place(tunnel.endpoint, machine.name), number",
        f"{TWINS}[a-port]",
    ),
    mutant(
        "peers are told alike of twins",
        "proof.meshes:Meshes._mention",
        "mentions.mention_machine(node, (number, interface, frozenset(roles), place, keepalive))",
        "mentions.mention_machine(node, (number, interface, place, keepalive))",
        f"{TWINS}[addresses-that-all-take]",
    ),
)
