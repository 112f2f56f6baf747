"""Damage that real programs answer by refusing a file, or a whole machine; and the nearest to it that they take."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.soak.damage import Damage, pick, save

REFUSED_FROM = 2_000_000
"""The first seed of networks that are damaged so."""

_CHAIN = "table inet netwright {\n\tchain %s {\n\t\ttype filter hook output priority 5; policy accept;\n\t}\n}\n"


def _mistype_rules(dice: Random, folder: Path) -> str | None:
    """A ruleset with a word that nft does not know, wherever it stands, or with one too few or too many."""
    path = pick(dice, folder, "rootfs/etc/nftables/*.nft")
    if path is None:
        return None
    text = path.read_text()
    rules = [match.start() for match in re.finditer(r"^\t\t(?!type )", text, re.MULTILINE)]
    if not rules:
        return None
    at = dice.choice(rules)
    changed = dice.choice(
        (
            f"{text[:at]}\t\tip daddr 10.99.9.9 tcp dport 9999 acept\n{text[at:]}",
            f"{text[:at]}\t\tip daddr 10.99.9.9 tcp dport 9999 accept\n{text[at:]}",
            f"{text[:at]}\t\tlimit rate 10/second ip daddr 10.99.9.9 drop\n{text[at:]}",
            text.rstrip("}\n") + "\n\t}\n",
            text + "}\n",
            text.replace("\n", "\r\n"),
            text + _CHAIN % "forward",
            text + _CHAIN % "fwd",
            text + _CHAIN % "late",
            text.replace("accept", "acccept", 1),
        )
    )
    save(folder, path, changed)
    line = next((new for new, old in zip(changed.split("\n"), text.split("\n"), strict=False) if new != old), "the end")
    return f"{path.name} from {line.strip()!r} on"


_PROFILE = (
    ("method=manual\n", ""),
    ("method=manual", "method=static"),
    ("method=disabled", "method=disable"),
    ("method=disabled", "method=ignore"),
    ("[ipv6]\nmethod=disabled\n", "[ipv6]\n"),
    ("type=ethernet\n", ""),
    ("type=ethernet", "type=bridge"),
    ("uuid=", "uuid=x"),
    ("type=ethernet\n", "type=ethernet\nautoconnect=false\n"),
    ("method=manual\n", "method=manual\nnever-default=true\n"),
    ("method=manual\n", "method=manual\nroute-table=100\n"),
    ("method=manual\n", "method=manual\nmay-fail=false\nignore-auto-dns=true\ndad-timeout=0\n"),
)


def _change_profile(dice: Random, folder: Path) -> str | None:
    path = pick(dice, folder, "rootfs/etc/NetworkManager/system-connections/*.nmconnection")
    if path is None:
        return None
    before, after = dice.choice(_PROFILE)
    text = path.read_text()
    save(folder, path, text.replace(before, after))
    return f"{path.name}: {before!r} becomes {after!r}" if before in text else None


def _change_rights(dice: Random, folder: Path) -> str | None:
    """A profile that others may read."""
    path = folder / "cloud-init/user-data"
    text = path.read_text() if path.exists() else ""
    if 'permissions: "0600"' not in text:
        return None
    mode = dice.choice(("0644", "0640", "0400"))
    path.write_text(text.replace('permissions: "0600"', f'permissions: "{mode}"'))
    return f"profiles have mode {mode}"


_NETWORK = (
    ("[Match]\n", "[Matching]\n"),
    ("Name=eth0", "Name=eth9"),
    ("/24\n", "\n"),
    ("[Network]\n", "[Network]\nDHCP=no\n"),
    ("[Network]\n", "[Networks]\n"),
)


def _change_network(dice: Random, folder: Path) -> str | None:
    path = pick(dice, folder, "rootfs/etc/systemd/network/*.network")
    if path is None:
        return None
    before, after = dice.choice(_NETWORK)
    text = path.read_text()
    save(folder, path, text.replace(before, after, 1))
    return f"{path.name}: {before!r} becomes {after!r}" if before in text else None


def _break_fetching(dice: Random, folder: Path) -> str | None:
    """Contents that are not what their hash says."""
    path = folder / f"{folder.name}.ign"
    if not path.exists():
        return None
    document = json.loads(path.read_text())
    file = dice.choice(document["storage"]["files"])
    file["contents"]["verification"] = {"hash": f"sha512-{dice.randrange(2**512):0128x}"}
    path.write_text(json.dumps(document))
    return f"{file['path']} has another hash"


REFUSED: Sequence[Damage] = (
    *(_mistype_rules,) * 4,
    *(_change_profile,) * 4,
    _change_rights,
    *(_change_network,) * 2,
    _break_fetching,
)
