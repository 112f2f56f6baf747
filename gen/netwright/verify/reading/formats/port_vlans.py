"""VLANs of the ports of bridges, as networkd's files ([BridgeVLAN]) and NetworkManager's (vlans=) have them."""

from msgspec.structs import replace

from netwright.verify.values.addresses import parse_number
from netwright.verify.values.facts import Origin, PortVlans

_LAST = 4094


def add_vlans(port: PortVlans, key: str, value: str) -> PortVlans | None:
    """Return the port with a key of [BridgeVLAN], None if it is not known (systemd.network(5))."""
    numbers = _range(value)
    if key == "VLAN" and numbers:
        return replace(port, tagged=port.tagged | numbers - port.untagged)
    if key == "EgressUntagged" and numbers:
        return replace(port, untagged=port.untagged | numbers, tagged=port.tagged - numbers)
    if key == "PVID" and len(numbers) == 1 and port.pvid is None:
        return replace(port, pvid=min(numbers))
    return None


def read_vlans(text: str, origin: Origin) -> PortVlans | None:
    """Return the VLANs of `NUMBER [pvid] [untagged], ...` (nm-settings-keyfile(5)), None if they are not known."""
    port = PortVlans(origin=origin)
    for part in text.replace(";", ",").split(","):
        number, *flags = part.split() or [""]
        numbers = _range(number)
        if not numbers or not {"pvid", "untagged"}.issuperset(flags) or numbers & (port.tagged | port.untagged):
            return None
        if "pvid" in flags:
            if port.pvid is not None or len(numbers) != 1:
                return None
            port = replace(port, pvid=min(numbers))
        kept = "untagged" if "untagged" in flags else "tagged"
        port = replace(port, **{kept: getattr(port, kept) | numbers})
    return port


def _range(text: str) -> frozenset[int]:
    """Return the numbers of N or M-N, none if it is neither."""
    first, dash, last = text.partition("-")
    low = parse_number(first, _LAST)
    high = parse_number(last, _LAST) if dash else low
    return frozenset(range(low, high + 1)) if low and high else frozenset()
