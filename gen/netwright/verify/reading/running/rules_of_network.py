"""Programs that manage the network: what of them follows from files alone, or changes nothing."""

import re
from collections.abc import Iterator

from netwright.verify.reading.commands import IP, NFT, is_change, is_flat
from netwright.verify.reading.running.arguments import operands, option
from netwright.verify.reading.running.judge import BEYOND, Arguments, Judge, ProgramRule
from netwright.verify.reading.running.paths import is_known, normalise


def _nft(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = [*arguments]
    while words and re.fullmatch(r"-[ansjcNSTy]+|--(check|json|handle|numeric|stateless|terse|echo)", words[0]):
        if "c" in words[0].lstrip("-")[:9] and words[0] in ("-c", "--check"):
            return
        words.pop(0)
    if words[:1] == ["list"] or words in (["-v"], ["--version"]):
        return
    target = option(words, "-f", "--file")
    if len(words) == 2 and target and is_known(target) and normalise(judge.locate(target)).startswith("/etc/nftables/"):
        judge.loaded.append((normalise(judge.locate(target)), judge.sure, judge.when))
        judge.undo(NFT)
    elif not (_runs_file(judge, target, words) or (is_flat(arguments) and judge.carry_out(NFT, [" ".join(arguments)]))):
        yield BEYOND


def _runs_file(judge: Judge, target: str | None, words: Arguments) -> bool:
    """Return whether nft carries out a delivered file that is no ruleset, and none that wipes other programs' rules."""
    path = normalise(judge.locate(target)) if target and is_known(target) else ""
    script = judge.files.get(path) if len(words) == 2 else None
    if script is None or path in judge.trusted or re.search(r"flush\s+ruleset|include", script.text):
        return False
    return judge.carry_out(NFT, [script.text], path=path)


def _ip(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = _behind_flags(arguments)
    changes = words[1:2] and words[1] not in _SHOWING
    if not all(map(is_known, arguments)) or not {"-b", "-batch"}.isdisjoint(arguments):
        yield BEYOND
    elif changes:
        plain = words == arguments or arguments == ["-4", *words]  # noqa: PLR1714
        if not (plain and is_change(words) and judge.carry_out(IP, words)):
            yield BEYOND


_SHOWING = frozenset({"show", "list", "get", "ls", "s", "sh", "lst", "save"})


def _behind_flags(arguments: Arguments) -> Arguments:
    words = [*arguments]
    while words and words[0].startswith("-"):
        words.pop(0)
    return words


_NMCLI = re.compile(
    r"(?:connection|con|c) (?:reload|up|load|show)\b.*|(?:device|dev|d) (?:reapply|status|show|connect)\b.*|"
    r"(?:general|g)(?: status)?|networking on|(?:connection|con|c|device|dev|d)"
)


def _nmcli(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = [one for one in arguments if not one.startswith("-")]
    values = option(arguments, "-f", "-g", "-w", "--wait", "--fields", "--get-values")
    if values in words:
        words.remove(values)
    if words and not _NMCLI.fullmatch(" ".join(words)):
        yield BEYOND
    elif words[1:] and words[1] not in ("show", "status"):
        judge.undo(IP)


def _networkctl(judge: Judge, arguments: Arguments) -> Iterator[str]:
    judge.undo(IP)
    if _behind_flags(arguments)[:1] not in ([], ["reload"], ["reconfigure"], ["list"], ["status"], ["renew"]):
        yield BEYOND


_LISTING = frozenset({"-L", "-S", "-nL", "-nvL", "-vnL", "-Ln", "-V", "--version", "--list", "--list-rules"})


def _lists(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    """iptables: only what lists."""
    if _LISTING.isdisjoint(arguments) or not {"-F", "-X", "-Z", "-A", "-I", "-D", "-P", "-R", "-N"}.isdisjoint(
        arguments
    ):
        yield BEYOND


def _firewall_cmd(judge: Judge, arguments: Arguments) -> Iterator[str]:
    if judge.firewalld and arguments == ["--reload"]:
        return
    if not arguments or any(
        not one.startswith(("--state", "--list", "--get", "--query", "--version")) for one in arguments
    ):
        yield BEYOND


_OFFLOADS = re.compile(r"tx|rx|sg|tso|ufo|gso|gro|lro|(?:tx-checksum|tx-udp|tx-gso|rx-gro|generic-|large-)\S*")

_OF_CARDS = frozenset({"-i", "-k", "-g", "-c", "-S", "-a", "-l", "-G", "-C", "--version"})


def _ethtool(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    """What shows, the sizes of rings, how often a card interrupts, and which work it does for the kernel."""
    verb = arguments[0] if arguments else ""
    offloads = verb in ("-K", "--offload", "--features") and all(map(_OFFLOADS.fullmatch, arguments[2::2]))
    shows = len(arguments) == 1 and not verb.startswith("-")
    if not (offloads or shows or verb in _OF_CARDS):
        yield BEYOND


def _virsh(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(arguments, valued="-c --connect")
    if not words or not re.fullmatch(r"(?:net-)?(?:list|info|dumpxml|uuid)|dom\w*stats?|version|nodeinfo", words[0]):
        yield BEYOND


RULES_OF_NETWORK: dict[str, ProgramRule] = {
    "nft": _nft,
    "ip": _ip,
    "nmcli": _nmcli,
    "networkctl": _networkctl,
    **dict.fromkeys(("iptables", "ip6tables", "iptables-nft", "iptables-legacy", "ebtables"), _lists),
    "firewall-cmd": _firewall_cmd,
    "ethtool": _ethtool,
    "virsh": _virsh,
}
