"""Options by which networkd and NetworkManager make devices -> the topology's keys and values for them."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from netwright.verify.values.facts import BondMode

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|min)?", re.ASCII)
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, None: 1000}
_YES, _NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
_MODES: Mapping[str, str] = {str(number): mode.value for number, mode in enumerate(BondMode)}
_HASHES: Mapping[str, str] = {"0": "layer2", "1": "layer3+4", "2": "layer2+3", "3": "encap2+3", "4": "encap3+4"}
_RATES: Mapping[str, str] = {"0": "slow", "1": "fast"}
"""The kernel's numbers of a bond's modes, hashes and rates, which NetworkManager takes as well (bonding.rst)."""


def _duration(low: int, high: int, unit: float) -> "_Convert":
    """A reader of systemd.time(7), in milliseconds or whatever the unit has of them."""

    def convert(value: str) -> int | None:
        parsed = _DURATION.fullmatch(value)
        found = round(float(parsed[1]) * _MILLISECONDS[parsed[2]] / unit) if parsed else None
        return found if found is not None and low <= found <= high else None

    return convert


def _whole(low: int, high: int) -> "_Convert":
    def convert(value: str) -> int | None:
        found = int(value) if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) else None
        return found if found is not None and low <= found <= high else None

    return convert


def _word(*words: str, numbers: Mapping[str, str] = MappingProxyType({})) -> "_Convert":
    return lambda value: value if value in words else numbers.get(value)


def is_yes(value: str) -> bool | None:
    """Return a word of systemd's or NetworkManager's for yes or no, None for another."""
    return True if value.lower() in _YES else False if value.lower() in _NO else None


_Convert = Callable[[str], Any]
_LONGEST_DELAY = 60_000
OPTIONS: Mapping[tuple[str, str], tuple[str, _Convert]] = {
    ("Bond", "Mode"): ("mode", _word(*BondMode)),
    ("Bond", "LACPTransmitRate"): ("lacp_rate", _word("slow", "fast")),
    ("Bond", "TransmitHashPolicy"): ("hash", _word(*_HASHES.values())),
    ("Bond", "MIIMonitorSec"): ("miimon", _duration(0, _LONGEST_DELAY, 1)),
    ("Bond", "MinLinks"): ("min_links", _whole(0, 64)),
    ("Bond", "UpDelaySec"): ("up_delay", _duration(0, _LONGEST_DELAY, 1)),
    ("Bond", "DownDelaySec"): ("down_delay", _duration(0, _LONGEST_DELAY, 1)),
    ("Bridge", "STP"): ("stp", is_yes),
    ("Bridge", "Priority"): ("priority", _whole(0, 65535)),
    ("Bridge", "ForwardDelaySec"): ("forward_delay", _duration(2, 30, 1000)),
    ("bond", "mode"): ("mode", _word(*BondMode, numbers=_MODES)),
    ("bond", "lacp_rate"): ("lacp_rate", _word("slow", "fast", numbers=_RATES)),
    ("bond", "xmit_hash_policy"): ("hash", _word(*_HASHES.values(), numbers=_HASHES)),
    ("bond", "miimon"): ("miimon", _whole(0, _LONGEST_DELAY)),
    ("bond", "min_links"): ("min_links", _whole(0, 64)),
    ("bond", "updelay"): ("up_delay", _whole(0, _LONGEST_DELAY)),
    ("bond", "downdelay"): ("down_delay", _whole(0, _LONGEST_DELAY)),
    ("bond", "primary"): ("primary", str),
    ("bridge", "stp"): ("stp", is_yes),
    ("bridge", "priority"): ("priority", _whole(0, 65535)),
    ("bridge", "forward-delay"): ("forward_delay", _whole(2, 30)),
}
"""Keys of systemd.netdev(5) and nm-settings-keyfile(5) that make a device: the topology's key, and its value."""


USUAL_MIIMON = 100
"""Milliseconds between two looks at the members, where a topology states none."""
_ONLY_FOR = {
    "lacp_rate": ("802.3ad",),
    "min_links": ("802.3ad",),
    "hash": ("balance-xor", "802.3ad", "balance-tlb"),
    "primary": ("active-backup", "balance-tlb", "balance-alb"),
}


def unfit_options(options: Mapping[str, Any], members: Sequence[str], *, usual_miimon: int) -> list[str]:
    """Return the keys of a bond's options that the kernel ignores or refuses with its mode, its members, or its
    interval: files may have them, a topology may not."""
    unfit = [key for key, modes in _ONLY_FOR.items() if key in options and options["mode"] not in modes]
    if "primary" in options and "primary" not in unfit and options["primary"] not in members:
        unfit.append("primary")
    interval = options.get("miimon", usual_miimon)
    delays = ((key, options.get(key)) for key in ("up_delay", "down_delay"))
    return unfit + [key for key, delay in delays if delay and (not interval or delay % interval)]
