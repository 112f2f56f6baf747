"""firewalld's permanent configuration: zones, policies and sets of addresses, as its files have them."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from netwright.verify.values.addresses import Ranges
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.startup import Window

DEFAULT_ZONE = "public"
ANY, HOST = "ANY", "HOST"


class End(Struct, frozen=True, kw_only=True):
    """Source or destination of a rule: addresses, or all but those."""

    ranges: Ranges
    invert: bool


class RichRule(Struct, frozen=True, kw_only=True):
    """A rule for IPv4, or for any family where it names none. `what` are nft's words for protocol and ports.

    The verdict is accept, drop, reject or masquerade.
    """

    origin: Origin
    verdict: str
    priority: int = 0
    is_ipv4: bool = False
    source: End | None = None
    destination: End | None = None
    what: str = ""


class Zone(Struct, frozen=True, kw_only=True):
    """A zone: its interfaces, what it lets in beyond its rules, in nft's words, and the place of its target.

    With `forward` its interfaces may pass packets to each other.
    """

    name: str
    origin: Origin
    target: str
    interfaces: Mapping[str, Origin]
    lets_in: tuple[tuple[str, Origin], ...]
    rules: tuple[RichRule, ...]
    forward: bool = False
    masquerade: Origin | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """A policy: rules for what comes from some zones and goes to others."""

    name: str
    origin: Origin
    priority: int
    target: str
    ingress: tuple[str, ...]
    egress: tuple[str, ...]
    lets_in: tuple[tuple[str, Origin], ...]
    rules: tuple[RichRule, ...]
    masquerade: Origin | None = None


class Firewalld(Struct, frozen=True, kw_only=True):
    """A machine's own configuration of firewalld; `unknown` is what of it is not understood.

    With `enabled` a command of the machine's has it start, `window` is a time in which packets pass without its rules.
    """

    zones: Mapping[str, Zone] = field(default_factory=lambda: MappingProxyType({}))
    policies: tuple[Policy, ...] = ()
    default_zone: str = DEFAULT_ZONE
    unknown: tuple[Unknown, ...] = ()
    enabled: bool = False
    window: Window | None = None
