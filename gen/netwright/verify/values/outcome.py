"""Outcomes of packets and flows."""

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
    UNKNOWN = "UNKNOWN"
