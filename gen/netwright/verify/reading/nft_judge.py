"""nft itself, asked which rulesets it loads, where it can be run: in a network namespace of its own.

It is shown only what the reader knows word by word, so no `include`, and can do nothing but refuse more than the reader
does: a verdict without nft differs from one with it only where its version, or the kernel, knows better.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 60
_AT_ONCE = 64
_SCRIPT = """\
ulimit -c 0
ulimit -t 60
for each in */; do
    nft -f "$each/all" 2> /dev/null && continue
    for one in "$each"[0-9]*; do
        complaint=$(nft -f "$one" 2>&1) || printf '%s\\t%s\\n' "${one##*/}" "$(printf %s "$complaint" | head -n 1)"
    done
done
"""
TOO_LONG = "Message too long"
"""What nft says of a ruleset (EMSGSIZE) that needs a larger buffer to the kernel than who is not root may have, some
400 rules: it knew every word, and on the machine it is root."""
_ADDRESS = re.compile(r"(?<![\w.])[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?")
_POSITION = re.compile(r"^\S*?:[0-9:-]+ Error: ")
_PROBE = """\
table inet probe {
	chain filter {
		type filter hook forward priority filter; policy drop;
		ct state established,related iifname "eth0" ip saddr { 10.0.0.0/24, 10.0.1.1 } tcp dport 80-90 counter accept
		reject with icmp type admin-prohibited
	}
	chain translation {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.0.0.0/24 snat ip to ip saddr
		oifname "eth0" masquerade
	}
}
"""


def find_refused(rulesets: Iterable[str]) -> Mapping[str, str]:
    """The rulesets of which nft loads nothing, each with its first complaint; none where nft can't be run.

    Of those that differ in their addresses alone one is asked: the reader knows which addresses nft takes.
    """
    shapes: dict[str, list[str]] = {}
    for text in dict.fromkeys(rulesets):
        shapes.setdefault(_shape(text), []).append(text)
    if not shapes or not is_usable():
        return {}
    complaints = _ask([texts[0] for texts in shapes.values()]) or {}
    return {
        text: complaints[number]
        for number, texts in enumerate(shapes.values())
        if number in complaints
        for text in texts
    }


@cache
def is_usable() -> bool:
    """Return whether nft can be run, and loads what any node's ruleset may hold."""
    return _ask([_PROBE]) == {}


def _shape(text: str) -> str:
    """The text with each address replaced by the number of its first mention."""
    numbers: dict[str, int] = {}
    return _ADDRESS.sub(lambda found: f"<{numbers.setdefault(found[0], len(numbers))}>", text)


def _ask(texts: Sequence[str]) -> dict[int, str] | None:
    """The complaints by the number of the text; None if nft can't be run."""
    unshare = shutil.which("unshare", path=_PATH)
    if unshare is None or shutil.which("nft", path=_PATH) is None:
        return None
    with TemporaryDirectory(prefix="netwright-nft-") as folder:
        _write(Path(folder), texts)
        try:
            done = subprocess.run(  # noqa: S603
                [unshare, "--map-root-user", "--net", "sh", "-c", _SCRIPT],
                cwd=folder,
                env={"PATH": _PATH, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    return dict(_complaints(done.stdout.decode(errors="replace"))) if done.returncode == 0 else None


def _write(folder: Path, texts: Sequence[str]) -> None:
    """Several texts to a folder: one by one, and all in one, which costs nft one start instead of many."""
    alone = [f"flush ruleset\n{text}\n" for text in texts]
    for start in range(0, len(alone), _AT_ONCE):
        below = folder / str(start)
        below.mkdir()
        some = alone[start : start + _AT_ONCE]
        (below / "all").write_text("".join(some))
        for number, text in enumerate(some, start=start):
            (below / str(number)).write_text(text)


def _complaints(output: str) -> Iterator[tuple[int, str]]:
    for line in output.splitlines():
        number, _, complaint = line.partition("\t")
        yield int(number), _POSITION.sub("", complaint)
