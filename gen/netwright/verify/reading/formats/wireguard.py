"""Peers of WireGuard tunnels, as networkd, NetworkManager and wg-quick write them."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec.structs import replace

from netwright.verify.reading.formats.sections import Entry
from netwright.verify.values.addresses import Prefix, parse_host_or_prefix, parse_number
from netwright.verify.values.facts import Origin, Peer, Stated

PeerWord = Literal["key", "allowed", "endpoint", "keepalive"]
_KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
_ENDPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*:[1-9][0-9]{0,4}")
_LAST_PORT = 65535


def parse_key(text: str) -> str | None:
    """Return a public key in base64, None for any other text."""
    return text if _KEY.fullmatch(text) else None


def parse_port(text: str) -> int | None:
    """Return a port, None for any other text, and for 0, which leaves the choice to the kernel."""
    return parse_number(text, _LAST_PORT) or None


def change_peer(peer: Peer, entry: Entry, words: Mapping[str, PeerWord]) -> Peer | None:
    """Return the peer with the entry, None if it is not known; `words` are the keys of the format."""
    value, origin = entry.value, entry.origin
    match words.get(entry.key):
        case "key" if peer.key is None and (key := parse_key(value)) is not None:
            return replace(peer, key=Stated(value=key, origin=origin))
        case "allowed" if (allowed := _allowed(value, origin)) is not None:
            return replace(peer, allowed=(*peer.allowed, *allowed))
        case "endpoint" if peer.endpoint is None and _ENDPOINT.fullmatch(value):
            return replace(peer, endpoint=Stated(value=value, origin=origin))
        case "keepalive" if (seconds := parse_number("0" if value == "off" else value, _LAST_PORT)) is not None:
            return replace(peer, keepalive=Stated(value=seconds, origin=origin) if seconds else None)
        case _:
            return None


def _allowed(text: str, origin: Origin) -> tuple[Stated[Prefix], ...] | None:
    """Return the IPv4 networks of a list; None if one of its members is none, or if it has none."""
    parts = [part for part in re.split(r"[,; ]+", text) if part]
    prefixes = [parse_host_or_prefix(part) for part in parts if ":" not in part]
    if not parts or None in prefixes:
        return None
    return tuple(Stated(value=prefix, origin=origin) for prefix in prefixes if prefix is not None)


def overlapping(peers: Iterable[Peer]) -> Stated[Prefix] | None:
    """Return a network that two peers have, of which the kernel gives it to one."""
    holders: dict[Prefix, Peer] = {}
    for peer in peers:
        for one in peer.allowed:
            if holders.setdefault(one.value, peer) is not peer:
                return one
    return None


KEYS_SCRIPT = "/etc/netwright/wireguard-keys.sh"
_SCRIPT = re.compile(
    r"set -e\n"
    r"umask 077\n"
    r"mkdir -p /run/NetworkManager/system-connections\n"
    r"cd /etc/NetworkManager/system-connections\n"
    r"(?:\nif key=\$\(cat /[\w./-]+\); then\n"
    r"  \{\n"
    r"    cat ([\w.-]+)\.nmconnection\n"
    r"    printf '\\n\[wireguard\]\\nprivate-key=%s\\n' \"\$key\"\n"
    r"  \} > /run/NetworkManager/system-connections/\1\.nmconnection\n"
    r"fi\n)+"
)
_KEY_LINE = re.compile(r"^if key=\$\(cat (/[\w./-]+)\); then\n  \{\n    cat ([\w.-]+)\.nmconnection$", re.MULTILINE)


def read_keys(file: str, text: str) -> Mapping[str, Stated[str]] | None:
    """Return the file of the private key that a script adds to each profile of NetworkManager's, by the profile's name;
    None if it does anything else. Its copy below /run comes before the profile with the same UUID (1.42, ran)."""
    lines = [line for line in text.split("\n") if not line.startswith("#")]
    if _SCRIPT.fullmatch("\n".join(lines)) is None:
        return None
    return {
        found[2]: Stated(value=found[1], origin=Origin(file=file, line=text.count("\n", 0, found.start()) + 1))
        for found in _KEY_LINE.finditer(text)
    }
