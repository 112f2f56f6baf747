"""What `wg show all public-key` and `wg show all allowed-ips` print (wg(8)) -> a machine's WireGuard tunnels."""

from collections import defaultdict

from netwright.verify.reading.live_kernel import read_prefix
from netwright.verify.reading.record import RecordError
from netwright.verify.values.addresses import Prefix
from netwright.verify.values.live import LiveTunnel

Peers = dict[str, dict[str, frozenset[Prefix]]]
_NONE = "(none)"


def read_keys(content: bytes) -> dict[str, str]:
    """Return the public key of each tunnel, by its interface. Raises RecordError."""
    return {words[0]: words[1] for words in _rows(content, 2)}


def read_peers(content: bytes) -> Peers:
    """Return the networks of each peer by its public key, of each tunnel by its interface; those of IPv6 are left out.
    Raises RecordError."""
    found: Peers = defaultdict(dict)
    for name, key, networks in _rows(content, 3):
        allowed = networks.split() if networks != _NONE else ()
        found[name][key] = frozenset(read_prefix(one) for one in allowed if ":" not in one)
    return dict(found)


def _rows(content: bytes, columns: int) -> list[list[str]]:
    rows = [line.split("\t") for line in content.decode(errors="replace").splitlines()]
    if any(len(row) != columns for row in rows):
        raise RecordError("wg show prints other columns")
    return rows


def join(keys: dict[str, str] | None, peers: Peers | None) -> dict[str, LiveTunnel] | None:
    """Return the tunnels, None where one of both is not known."""
    if keys is None or peers is None:
        return None
    return {name: LiveTunnel(key=key, peers=peers.get(name, {})) for name, key in keys.items()}
