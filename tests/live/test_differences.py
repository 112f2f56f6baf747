"""What a machine has now against its files: changes made on real kernels, and each named as what it is."""

import pytest

from tests.rigs.live_network import LiveNetwork


def _said(live: LiveNetwork, node: str) -> list[str]:
    return [str(one) for one in live.differences(node)]


@pytest.mark.parametrize("node", ["gw", "lb1", "worker1"])
def test_a_machine_as_its_files_have_it_differs_in_nothing(live: LiveNetwork, node: str) -> None:
    assert _said(live, node) == []


NETWORK1, NETWORK2 = (f"{node}/rootfs/etc/systemd/network/10-eth0.network" for node in ("worker1", "worker2"))
KEYFILES = "gw/rootfs/etc/NetworkManager/system-connections"
SYSCTLS, NFT = "gw/rootfs/etc/sysctl.d/99-zz-netwright.conf", "gw/rootfs/etc/nftables/netwright.nft"
RULE = "ip saddr 10.17.3.12 ip daddr 10.42.0.0/16 tcp dport 8080 accept"
CHAIN = "inet netwright forward"
CHANGES = {
    "a route that is gone": (
        "worker1",
        ("ip route del 10.17.3.0/24",),
        ("ip route add 10.17.3.0/24 via 10.17.4.1",),
        [f"lacks the route 10.17.3.0/24 via 10.17.4.1 dev eth0, which {NETWORK1}:11 asks for"],
    ),
    "a route by another next hop": (
        "worker2",
        ("ip route replace 10.17.3.0/24 via 10.17.4.9",),
        ("ip route replace 10.17.3.0/24 via 10.17.4.1",),
        [
            (
                "has for 10.17.3.0/24 the route 10.17.3.0/24 via 10.17.4.9 dev eth0, "
                f"where {NETWORK2}:11 asks for 10.17.3.0/24 via 10.17.4.1 dev eth0"
            ),
        ],
    ),
    "a route that no file has, and one of flannel's, of which no file of ours decides": (
        "worker1",
        ("ip route add blackhole 10.66.0.0/16 metric 5", "ip route del 10.42.2.0/24"),
        (
            "ip route del blackhole 10.66.0.0/16 metric 5",
            "ip route add 10.42.2.0/24 via 10.42.2.0 dev flannel.1 onlink",
        ),
        ["has the route blackhole 10.66.0.0/16 metric 5 (live/worker1.facts: ip route), for which no file asks"],
    ),
    "a route of another table": (
        "gw",
        ("ip route del 10.99.0.0/16 table 100",),
        ("ip route add 10.99.0.0/16 via 10.17.3.12 table 100 metric 50",),
        [
            (
                "lacks the route 10.99.0.0/16 via 10.17.3.12 dev eth0 metric 50 table 100, which "
                f"{KEYFILES}/eth0.nmconnection:13 asks for"
            ),
        ],
    ),
    "another policy rule": (
        "gw",
        ("ip rule del priority 100", "ip rule add priority 90 to 10.5.0.0/16 lookup 77"),
        ("ip rule add priority 100 from 10.17.4.0/24 lookup 100", "ip rule del priority 90"),
        [
            f"lacks the policy rule 100: from 10.17.4.0/24 lookup 100, which {KEYFILES}/eth0.nmconnection:15 asks for",
            (
                "has the policy rule 90: from all to 10.5.0.0/16 lookup 77 (live/gw.facts: ip rule), for which "
                "no file asks"
            ),
        ],
    ),
    "another address, whose network comes with it": (
        "lb1",
        ("ip address add 10.17.5.12/24 dev eth0",),
        ("ip address del 10.17.5.12/24 dev eth0",),
        ["has the address 10.17.5.12/24 on eth0 (live/lb1.facts: ip address), for which no file asks"],
    ),
    "an address in place of another": (
        "worker1",
        (
            "ip address del 10.17.4.21/24 dev eth0",
            "ip address add 10.17.4.99/24 dev eth0",
            "ip route add 10.17.3.0/24 via 10.17.4.1",
        ),
        (
            "ip address del 10.17.4.99/24 dev eth0",
            "ip address add 10.17.4.21/24 dev eth0",
            "ip route replace 10.17.3.0/24 via 10.17.4.1",
        ),
        [f"has on eth0 the address 10.17.4.99/24, where {NETWORK1}:6 asks for 10.17.4.21/24"],
    ),
    "parameters, each named once": (
        "gw",
        ("sysctl -qw net.ipv4.ip_forward=0 net.ipv4.tcp_keepalive_time=601",),
        ("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.tcp_keepalive_time=600",),
        [
            f"has net.ipv4.ip_forward = 0, where {SYSCTLS}:2 asks for 1",
            f"has net.ipv4.tcp_keepalive_time = 601, where {SYSCTLS}:3 asks for 600",
        ],
    ),
    "a rule more": (
        "gw",
        ("nft insert rule inet netwright forward udp dport 5 counter drop",),
        (f"nft -f - < {{out}}/{NFT}",),
        [f"has `udp dport 5 drop` in chain {CHAIN} (live/gw.facts: nft {CHAIN}), for which no file asks"],
    ),
    "a rule less": (
        "gw",
        ("nft delete rule inet netwright forward handle $(nft -a list ruleset | sed -n 's/.*8080.*handle //p')",),
        (f"nft -f - < {{out}}/{NFT}",),
        [f"lacks `{RULE}` in chain {CHAIN}, which {NFT}:9 asks for"],
    ),
    "a rule in another words, and a table of others": (
        "gw",
        (
            "nft add table ip other",
            (
                "nft replace rule inet netwright forward handle "
                "$(nft -a list ruleset | sed -n 's/.*related accept # handle //p') ct state { related, established } "
                "counter accept"
            ),
        ),
        ("nft delete table ip other", f"nft -f - < {{out}}/{NFT}"),
        [],
    ),
    "a policy": (
        "gw",
        ("nft chain inet netwright forward '{ policy accept; }'",),
        (f"nft -f - < {{out}}/{NFT}",),
        [
            (
                f"has the chain {CHAIN} at forward priority 0 policy accept, type filter, where {NFT}:5 asks for "
                "forward priority 0 policy drop, type filter"
            ),
        ],
    ),
    "no table": (
        "gw",
        ("nft delete table inet netwright",),
        (f"nft -f - < {{out}}/{NFT}",),
        [f"lacks the table inet netwright, which {NFT}:5 asks for"],
    ),
    "a smaller MTU": (
        "gw",
        ("ip link set eth1 mtu 1400",),
        ("ip link set eth1 mtu 1500",),
        [f"has on eth1 the MTU 1400, where {KEYFILES}/eth1.nmconnection:1 asks for 1500"],
    ),
}


@pytest.mark.parametrize(("node", "there", "back", "said"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_named_as_what_it_is(
    live: LiveNetwork, node: str, there: tuple[str, ...], back: tuple[str, ...], said: list[str]
) -> None:
    with live.changed(node, there, back):
        found = _said(live, node)

    assert found == said
