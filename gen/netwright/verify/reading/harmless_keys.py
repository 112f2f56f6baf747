"""Kernel parameters that cannot change where an IPv4 packet ends, each group with its reason."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct

from netwright.verify.values.addresses import parse_number


def _any(_value: str) -> bool:
    return True


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _at_least(least: int) -> Callable[[str], bool]:
    return lambda value: (parse_number(value, 0x7FFFFFFFFFFFFFFF) or 0) >= least


class Harmless(Struct, frozen=True, kw_only=True):
    """Keys, written with slashes; * stands for a word or a part of one. `values` are those that do no harm."""

    keys: str
    reason: str
    values: Callable[[str], bool] = _any


_OFF = _one_of("0")
_FLAG = _one_of("0", "1")

HARMLESS = (
    # net.ipv4.conf
    Harmless(
        keys="net/ipv4/conf/*/secure_redirects",
        reason="whose redirects are obeyed where shared_media is off; all are taken to be",
    ),
    Harmless(keys="net/ipv4/conf/*/accept_source_route", reason="no flow asks for packets with a route of their own"),
    Harmless(keys="net/ipv4/conf/*/log_martians", reason="only what is logged"),
    Harmless(
        keys="net/ipv4/conf/*/arp_accept net/ipv4/conf/*/arp_notify net/ipv4/conf/*/arp_evict_nocarrier "
        "net/ipv4/conf/*/drop_gratuitous_arp",
        reason="what is learned without a question; questions are still asked and answered",
    ),
    Harmless(keys="net/ipv4/conf/*/promote_secondaries", reason="what becomes of addresses when one is removed"),
    Harmless(
        keys="net/ipv4/conf/*/ignore_routes_with_linkdown net/ipv4/conf/*/igmp* net/ipv4/conf/*/force_igmp_version",
        reason="links are up in the proof, and no flow is multicast",
    ),
    Harmless(
        keys="net/ipv4/conf/*/drop_unicast_in_l2_multicast net/ipv4/conf/*/bc_forwarding",
        reason="frames and packets to everyone, for which no flow asks",
    ),
    Harmless(keys="net/ipv4/conf/*/disable_policy net/ipv4/conf/*/disable_xfrm", reason="IPsec, which is off"),
    Harmless(keys="net/ipv4/conf/*/route_localnet", reason="127.0.0.0/8, which no flow names", values=_FLAG),
    Harmless(
        keys="net/ipv4/conf/*/arp_filter net/ipv4/conf/*/src_valid_mark net/ipv4/conf/*/bootp_relay "
        "net/ipv4/conf/*/mc_forwarding net/ipv4/conf/*/tag",
        reason="off, as the kernel has it",
        values=_OFF,
    ),
    # net.ipv4.neigh
    Harmless(
        keys="net/ipv4/neigh/*/mcast_solicit net/ipv4/neigh/*/ucast_solicit",
        reason="as many questions as it takes are asked, at least one",
        values=_at_least(1),
    ),
    Harmless(
        keys="net/ipv4/neigh/*/base_reachable_time* net/ipv4/neigh/*/gc_stale_time net/ipv4/neigh/*/gc_interval "
        "net/ipv4/neigh/*/delay_first_probe_time net/ipv4/neigh/*/retrans_time* net/ipv4/neigh/*/unres_qlen*",
        reason="how long an answer is kept and how long one is waited for",
        values=_at_least(1),
    ),
    Harmless(
        keys="net/ipv4/neigh/*/locktime net/ipv4/neigh/*/anycast_delay net/ipv4/neigh/*/mcast_resolicit",
        reason="how soon an answer replaces another, and IPv6's questions",
    ),
    *(
        Harmless(
            keys=f"net/ipv4/neigh/*/gc_thresh{number}",
            reason="room for no fewer neighbours than the kernel's own",
            values=_at_least(least),
        )
        for number, least in ((1, 128), (2, 512), (3, 1024))
    ),
    # net.ipv4
    Harmless(
        keys="""
            net/ipv4/tcp_abort_on_overflow net/ipv4/tcp_adv_win_scale net/ipv4/tcp_allowed_congestion_control
            net/ipv4/tcp_app_win net/ipv4/tcp_autocorking net/ipv4/tcp_challenge_ack_limit
            net/ipv4/tcp_comp_sack_* net/ipv4/tcp_congestion_control net/ipv4/tcp_dsack net/ipv4/tcp_early_demux
            net/ipv4/tcp_early_retrans net/ipv4/tcp_ecn* net/ipv4/tcp_fack net/ipv4/tcp_fastopen*
            net/ipv4/tcp_frto net/ipv4/tcp_invalid_ratelimit net/ipv4/tcp_limit_output_bytes
            net/ipv4/tcp_low_latency net/ipv4/tcp_max_reordering net/ipv4/tcp_min_rtt_wlen
            net/ipv4/tcp_moderate_rcvbuf net/ipv4/tcp_mtu_probing net/ipv4/tcp_no_metrics_save
            net/ipv4/tcp_no_ssthresh_metrics_save net/ipv4/tcp_notsent_lowat net/ipv4/tcp_pacing_*
            net/ipv4/tcp_plb_* net/ipv4/tcp_probe_* net/ipv4/tcp_recovery net/ipv4/tcp_reflect_tos
            net/ipv4/tcp_reordering net/ipv4/tcp_retrans_collapse net/ipv4/tcp_rfc1337 net/ipv4/tcp_sack
            net/ipv4/tcp_slow_start_after_idle net/ipv4/tcp_stdurg net/ipv4/tcp_syncookies net/ipv4/tcp_thin_*
            net/ipv4/tcp_timestamps net/ipv4/tcp_tso_* net/ipv4/tcp_tw_reuse net/ipv4/tcp_window_scaling
            net/ipv4/tcp_workaround_signed_windows
        """,
        reason="how fast a TCP connection is and what it survives, not whether its first packets arrive",
    ),
    Harmless(
        keys="""
            net/ipv4/tcp_fin_timeout net/ipv4/tcp_keepalive_* net/ipv4/tcp_max_orphans
            net/ipv4/tcp_max_syn_backlog net/ipv4/tcp_max_tw_buckets net/ipv4/tcp_orphan_retries
            net/ipv4/tcp_retries1 net/ipv4/tcp_retries2 net/ipv4/tcp_syn_retries net/ipv4/tcp_synack_retries
            net/ipv4/tcp_user_timeout
        """,
        reason="how long and how often TCP tries, and for how many connections",
        values=_at_least(1),
    ),
    Harmless(keys="net/ipv4/tcp_rmem net/ipv4/tcp_wmem", reason="the size of buffers"),
    Harmless(keys="net/ipv4/udp_rmem_min net/ipv4/udp_wmem_min", reason="the size of buffers", values=_at_least(1)),
    Harmless(
        keys="net/ipv4/udp_early_demux net/ipv4/ip_early_demux net/ipv4/udp_child_hash_entries "
        "net/ipv4/tcp_child_ehash_entries",
        reason="how quickly the receiving program is found",
    ),
    Harmless(
        keys="net/ipv4/tcp_l3mdev_accept net/ipv4/udp_l3mdev_accept net/ipv4/raw_l3mdev_accept",
        reason="matters to interfaces in a VRF, which no file makes",
    ),
    Harmless(
        keys="net/ipv4/ip_local_port_range net/ipv4/ip_local_reserved_ports net/ipv4/ip_unprivileged_port_start "
        "net/ipv4/ip_autobind_reuse net/ipv4/ip_nonlocal_bind net/ipv4/ping_group_range",
        reason="which ports and addresses a program may take",
    ),
    Harmless(
        keys="net/ipv4/ip_no_pmtu_disc net/ipv4/ip_forward_update_priority net/ipv4/ip_forward_use_pmtu",
        reason="the size and the priority of packets",
    ),
    Harmless(keys="net/ipv4/ip_default_ttl", reason="enough hops for every way that is walked", values=_at_least(64)),
    Harmless(keys="net/ipv4/ipfrag_time net/ipv4/ipfrag_max_dist", reason="how long fragments wait"),
    Harmless(
        keys="net/ipv4/ipfrag_high_thresh net/ipv4/ipfrag_low_thresh",
        reason="room for no fewer fragments than the kernel's own",
        values=_at_least(3145728),
    ),
    Harmless(
        keys="net/ipv4/icmp_echo_ignore_broadcasts net/ipv4/icmp_ignore_bogus_error_responses "
        "net/ipv4/icmp_errors_* net/ipv4/icmp_msgs_* net/ipv4/icmp_rate* net/ipv4/icmp_echo_enable_probe",
        reason="errors and what is asked of everyone; a ping is answered all the same",
    ),
    Harmless(
        keys="net/ipv4/icmp_echo_ignore_all net/ipv4/fwmark_reflect net/ipv4/tcp_fwmark_accept net/ipv4/ip_dynaddr",
        reason="off, as the kernel has it",
        values=_OFF,
    ),
    Harmless(
        keys="net/ipv4/igmp_* net/ipv4/inet_peer_* net/ipv4/route/* net/ipv4/fib_* net/ipv4/nexthop_compat_mode "
        "net/ipv4/cipso_* net/ipv4/xfrm4_gc_thresh",
        reason="multicast, and how the kernel keeps what it has learned and tells programs of it",
    ),
    # net.netfilter
    Harmless(
        keys="net/netfilter/nf_conntrack_max net/nf_conntrack_max net/netfilter/nf_conntrack_buckets "
        "net/netfilter/nf_conntrack_expect_max",
        reason="room for connections",
        values=_at_least(1024),
    ),
    Harmless(
        keys="net/netfilter/nf_conntrack_*timeout*", reason="how long a silent connection is kept", values=_at_least(5)
    ),
    Harmless(
        keys="""
            net/netfilter/nf_conntrack_acct net/netfilter/nf_conntrack_timestamp
            net/netfilter/nf_conntrack_events net/netfilter/nf_conntrack_log_invalid
            net/netfilter/nf_conntrack_checksum net/netfilter/nf_log*/* net/netfilter/nf_log*
            net/netfilter/nf_conntrack_count net/netfilter/nf_flowtable_*
        """,
        reason="what is counted and logged",
    ),
    Harmless(
        keys="net/netfilter/nf_conntrack_tcp_be_liberal net/netfilter/nf_conntrack_tcp_ignore_invalid_rst "
        "net/netfilter/nf_conntrack_tcp_max_retrans",
        reason="windows and resets of connections that stand; the proof is of their first packets",
    ),
    Harmless(keys="net/netfilter/nf_conntrack_helper", reason="off, as the kernel has it", values=_OFF),
    # net.bridge
    Harmless(
        keys="net/bridge/bridge-nf-call-ip6tables net/bridge/bridge-nf-call-arptables",
        reason="rules of IPv6 and ARP, of which there are none",
        values=_FLAG,
    ),
    Harmless(
        keys="net/bridge/bridge-nf-filter-* net/bridge/bridge-nf-pass-vlan-input-dev",
        reason="off, as the kernel has it",
        values=_OFF,
    ),
    # the rest of net
    Harmless(keys="net/ipv6/bindv6only", reason="programs that listen on :: hear IPv4", values=_OFF),
    Harmless(
        keys=" ".join(f"net/ipv6/{'/'.join('*' * depth)}" for depth in range(1, 5)),
        reason="IPv6, which no flow is",
    ),
    Harmless(
        keys="net/core/somaxconn net/core/netdev_max_backlog net/core/netdev_budget net/core/netdev_budget_usecs "
        "net/core/rmem_* net/core/wmem_* net/core/optmem_max net/core/dev_weight",
        reason="the size of buffers and queues",
        values=_at_least(1),
    ),
    Harmless(
        keys="""
            net/core/bpf_jit_* net/core/busy_* net/core/dev_weight_* net/core/rps_* net/core/flow_limit_*
            net/core/message_* net/core/warnings net/core/tstamp_allow_data net/core/high_order_alloc_disable
            net/core/gro_normal_batch net/core/skb_defer_max net/core/max_skb_frags net/core/txrehash
            net/core/netdev_rss_key net/core/netdev_tstamp_prequeue net/core/netdev_unregister_timeout_secs
            net/core/fb_tunnels_only_for_init_net net/core/xfrm_*
        """,
        reason="how quickly packets are handled and what is logged of it",
    ),
    Harmless(
        keys="net/core/default_qdisc",
        reason="the order in which packets are sent",
        values=_one_of("fq", "fq_codel", "pfifo_fast", "pfifo", "cake", "sfq", "codel", "fq_pie", "pie"),
    ),
    Harmless(keys="net/core/devconf_inherit_init_net", reason="off, as the kernel has it", values=_OFF),
    Harmless(keys="net/unix/* net/mptcp/* net/vsock/*", reason="other families of sockets"),
    Harmless(keys="net/mpls/platform_labels", reason="off, as the kernel has it", values=_OFF),
)
"""Parameters of net. that are known not to matter."""

APART = frozenset({"abi", "crypto", "debug", "dev", "fs", "kernel", "sunrpc", "user", "vm"})
"""First words of the keys that are no network's: harmless, but for DANGEROUS."""

_CORE_PROGRAMS = frozenset(
    {"|/bin/false", "|/usr/bin/false", "|/bin/true", "|/usr/bin/true", "|/usr/lib/systemd/systemd-coredump"}
)

DANGEROUS = (
    Harmless(
        keys="kernel/core_pattern",
        reason="the kernel runs what stands behind |",
        values=lambda value: not value.startswith("|") or value.split()[0] in _CORE_PROGRAMS,
    ),
    Harmless(
        keys="kernel/modprobe kernel/hotplug kernel/poweroff_cmd kernel/usermodehelper/*",
        reason="programs that the kernel runs",
        values=_one_of("/sbin/modprobe", "/usr/sbin/modprobe", "/sbin/poweroff"),
    ),
    Harmless(keys="kernel/modules_disabled", reason="modules of the network may not load", values=_OFF),
    Harmless(
        keys="kernel/pid_max kernel/threads-max fs/file-max fs/nr_open",
        reason="programs of the network may not start",
        values=_at_least(4096),
    ),
    Harmless(keys="user/max_user_namespaces", reason="no program of the network is in one"),
    Harmless(keys="user/max_*_namespaces", reason="pods may not start", values=_at_least(1024)),
    Harmless(keys="fs/binfmt_misc/*", reason="programs that the kernel runs", values=lambda _value: False),
)
"""Of the others those that do harm, with the values that do not."""


@lru_cache(maxsize=4096)
def is_harmless(key: tuple[str, ...], value: str) -> bool:
    """Return whether a parameter with that value is known to change nothing that a proof is about."""
    if key[0] in APART:
        found = next(_matching(DANGEROUS, key), None)
        return found is None or found.values(value)
    found = next(_matching(HARMLESS, key), None)
    return found is not None and found.values(value)


def is_among(entries: tuple[Harmless, ...], key: tuple[str, ...]) -> bool:
    """Return whether one of the entries is for a parameter."""
    return next(_matching(entries, key), None) is not None


def _matching(entries: tuple[Harmless, ...], key: tuple[str, ...]) -> Iterator[Harmless]:
    for entry in entries:
        if any(_matches(pattern.split("/"), key) for pattern in entry.keys.split()):
            yield entry


def _matches(pattern: list[str], key: tuple[str, ...]) -> bool:
    return len(pattern) == len(key) and all(
        fnmatchcase(word, wanted) for word, wanted in zip(key, pattern, strict=True)
    )
