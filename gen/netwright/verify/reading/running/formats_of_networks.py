"""Files of programs that make parts of the network, and are read for what goes beyond that."""

import re
from collections.abc import Iterator

from netwright.verify.reading.running.judge import Judge


def lines_with_content(text: str, comments: str = "#") -> Iterator[tuple[int, str]]:
    """Yield the lines with content, stripped, with their numbers."""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and stripped[0] not in comments:
            yield number, stripped


_BESIDES = re.compile(
    r"(?:virtual_routes|virtual_rules|static_\w+|include|use_vmac\w*|vmac_\w+|virtual_server\w*|vrrp_iptables|vrrp_nftables|"
    r"net_namespace|vrrp_ipsets)\b"
)
_STRICT = re.compile(r"[^#!]*?\b(?:vrrp_strict|no_accept|strict_mode(?!\s+(?:off|false|no)\b))\b")
"""Seen with keepalived 2.2: a table of its own drops all packets to the addresses and from them."""
_CALLING = re.compile(r"(?:notify\w*|script|notify_fifo_script|quick_check_script)\s+(.+)")


def _unquoted(text: str) -> str:
    """The text without the quotes around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def judge_keepalived(judge: Judge, _path: str, text: str) -> None:
    """Scripts, and what changes more than who holds the virtual addresses."""
    for number, line in lines_with_content(text, "#!"):
        calls = _CALLING.match(line)
        if calls is not None and calls[1].strip() != "{":
            judge.shell(_unquoted(calls[1].strip()), line=number)
        elif _BESIDES.match(line):
            judge.note(number, line, "keepalived changes more than who holds the virtual addresses")
        elif _STRICT.match(line):
            judge.note(number, line, "keepalived drops what comes to the addresses that it holds; leave it out")


_NETWORKD = re.compile(
    r"SpeedMeter\w*|IPv6PrivacyExtensions|(?:ManageForeignRoutes|ManageForeignRoutingPolicyRules|ManageForeignNextHops)"
    r"=(?:no|false|off|0|n|f)"
)
"""Settings of networkd.conf(5) by which it measures, or leaves alone what other programs make."""
_FOREIGN = re.compile(r"ManageForeign\w+=")


def judge_networkd(judge: Judge, _path: str, text: str) -> None:
    """What holds for all interfaces of systemd-networkd's, and whether it removes what others add: the systems' own
    networkd.conf.d keeps it from that on Flatcar."""
    for number, line in lines_with_content(text, "#;["):
        said = re.sub(r"\s*=\s*", "=", line, count=1)
        if _NETWORKD.fullmatch(said) or _NETWORKD.fullmatch(said.partition("=")[0]):
            continue
        reason = "a setting of systemd-networkd for all interfaces that is not known to leave the network alone"
        if _FOREIGN.match(said):
            reason = "systemd-networkd removes routes and rules that others add, such as a network plugin; state no"
        judge.note(number, line, reason)
