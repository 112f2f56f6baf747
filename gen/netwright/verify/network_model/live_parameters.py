"""A machine's kernel parameters, as they are now -> what decides about packets."""

from collections.abc import Mapping

from netwright.verify.network_model.parameters import Parameters
from netwright.verify.reading.formats.sysctl import CONF, DEFAULTS
from netwright.verify.reading.harmless_keys import Harmless, is_among, is_harmless
from netwright.verify.values.facts import Origin, Unknown

_BRIDGE_NF = "net/bridge/bridge-nf-call-iptables"
_TCP_LOOSE = "net/netfilter/nf_conntrack_tcp_loose"
_BY_ITSELF = (
    Harmless(
        keys="net/ipv4/neigh/*/app_solicit net/ipv4/neigh/*/interval_probe_time_ms net/ipv4/neigh/*/proxy_delay "
        "net/ipv4/neigh/*/proxy_qlen",
        reason="by whom and how soon questions are asked and answered",
    ),
    Harmless(keys="net/ipv4/tcp_* net/ipv4/udp_*", reason="how connections go on, not whether they begin"),
    Harmless(
        keys="net/netfilter/nf_conntrack_frag6_* net/netfilter/nf_conntrack_*timeout* "
        "net/netfilter/nf_conntrack_dccp_* net/netfilter/nf_hooks_lwtunnel",
        reason="as the kernel has it: IPv6, how long a connection is kept, and tunnels of routes, which are not known",
    ),
)
"""What is in every kernel and in no file: Linux 6.18 has these beside those that files may set."""
_KNOWN = frozenset({"net/ipv4/ip_forward", _BRIDGE_NF, _TCP_LOOSE})
_CONF_WORDS = len(CONF) + 2


def read_parameters(values: Mapping[str, str], place: str, inner: frozenset[str] = frozenset()) -> Parameters:
    """Return the parameters of a record whose facts stand at `place`, by their paths below /proc/sys; those of the
    `inner` interfaces decide nothing."""
    by_interface: dict[str, dict[str, int]] = {"all": dict(DEFAULTS), "default": dict(DEFAULTS)}
    setters: dict[tuple[str, str], int] = {}
    lines: list[Origin] = []
    unknown: list[Unknown] = []
    for path, text in values.items():
        key, value = tuple(path.split("/")), " ".join(text.split())
        if key[:3] == CONF and key[3] in inner:
            continue
        origin = Origin(file=f"{place}: sysctl {path}", line=0)
        if key[:3] == CONF and len(key) == _CONF_WORDS and key[4] in DEFAULTS:
            try:
                by_interface.setdefault(key[3], dict(DEFAULTS))[key[4]] = int(value)
            except ValueError:
                unknown.append(_unknown(origin, path, value))
            setters[key[3], key[4]] = len(lines)
            lines.append(origin)
        elif path not in _KNOWN and not is_harmless(key, value) and not is_among(_BY_ITSELF, key):
            unknown.append(_unknown(origin, path, value))
    return Parameters(
        values=dict(sorted(by_interface.items())),
        setters=setters,
        bridge_nf=values.get(_BRIDGE_NF, "0") != "0",
        tcp_loose=values.get(_TCP_LOOSE, "1") != "0",
        unknown=unknown,
        lines=lines,
    )


def _unknown(origin: Origin, path: str, value: str) -> Unknown:
    reason = "a kernel parameter whose effect is not known"
    return Unknown(origin=origin, text=f"{path.replace('/', '.')} = {value}", reason=reason)
