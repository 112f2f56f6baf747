"""Outcomes of packets and flows, and other faults."""

from enum import StrEnum


class Outcome(StrEnum):
    """Outcome of a packet, or of a whole flow."""

    ACCEPTED = "ACCEPTED"
    NO_ROUTE = "NO_ROUTE"
    UNREACHABLE_ROUTE = "UNREACHABLE_ROUTE"
    ARP_UNANSWERED = "ARP_UNANSWERED"
    RPF_DROP = "RPF_DROP"
    FORWARDING_OFF = "FORWARDING_OFF"
    FILTERED = "FILTERED"
    CT_INVALID = "CT_INVALID"
    LOOP = "LOOP"
    WRONG_NODE = "WRONG_NODE"
    NAT_APPLIED = "NAT_APPLIED"
    NO_DEVICE = "NO_DEVICE"
    NO_CARRIER = "NO_CARRIER"
    WRONG_DEVICE = "WRONG_DEVICE"
    VLAN_MISMATCH = "VLAN_MISMATCH"
    NO_PEER = "NO_PEER"
    NO_HANDSHAKE = "NO_HANDSHAKE"
    SOURCE_NOT_ALLOWED = "SOURCE_NOT_ALLOWED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_of_device(self) -> bool:
        """Return whether it is the fault of a device that the topology has and the files do not make so."""
        return self in _OF_DEVICES

    @property
    def keeps_out(self) -> bool:
        """Return whether it proves that a packet does not arrive. Where a device is not as it should be, the machine
        has other routes and addresses than its files set."""
        return self not in _UNDECIDED


class Fault(StrEnum):
    """Fault that is named otherwise than by the outcome of one packet."""

    REFUSED_ROUTE = "REFUSED_ROUTE"
    DEAD_NEXT_HOP = "DEAD_NEXT_HOP"
    UNLOADED_RULES = "UNLOADED_RULES"
    LATE_RULES = "LATE_RULES"
    SHADOWED_RULE = "SHADOWED_RULE"
    IDLE_TRUST = "IDLE_TRUST"
    WRONG_ADDRESS = "WRONG_ADDRESS"
    UNKNOWN_ADDRESS = "UNKNOWN_ADDRESS"
    DUPLICATE_ADDRESS = "DUPLICATE_ADDRESS"
    VRRP_UNHEARD = "VRRP_UNHEARD"
    WRONG_BACKEND = "WRONG_BACKEND"
    WRONG_K3S_SETTING = "WRONG_K3S_SETTING"
    WRONG_NAME = "WRONG_NAME"
    WRONG_NAME_SERVER = "WRONG_NAME_SERVER"
    WRONG_TIME_SERVER = "WRONG_TIME_SERVER"
    TIME_REFUSED = "TIME_REFUSED"
    NOT_FORWARDED = "NOT_FORWARDED"
    FORWARDED_AWAY = "FORWARDED_AWAY"
    ROUTING_LOOP = "ROUTING_LOOP"
    POD_LOOP = "POD_LOOP"
    BLACK_HOLE = "BLACK_HOLE"
    POD_LEAK = "POD_LEAK"
    HALF_SEEN = "HALF_SEEN"
    NOT_ISOLATED = "NOT_ISOLATED"
    REDIRECT = "REDIRECT"
    LARGE_PACKETS = "LARGE_PACKETS"
    MISSING_MEMBER = "MISSING_MEMBER"
    PUBLISHED_PORT = "PUBLISHED_PORT"
    OTHER_PODS = "OTHER_PODS"


_OF_DEVICES = frozenset({Outcome.NO_DEVICE, Outcome.NO_CARRIER, Outcome.WRONG_DEVICE, Outcome.VLAN_MISMATCH})
_UNDECIDED = _OF_DEVICES | {Outcome.ACCEPTED, Outcome.UNKNOWN}
