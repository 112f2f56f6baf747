"""Deliveries fitted to the lab: new keys of WireGuard, and cards that have no permanent hardware address.

Programs of the machine's own root do it there, so that no link that is delivered leads out of it.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from netwright.lab.booted.delivery import NodeSeed
from netwright.lab.booted.world import OuterMachine
from netwright.lab.networkd import GROUP
from netwright.lab.networkmanager import with_old_names
from netwright.lab.tunnels import Keyring, OwnKey
from netwright.verify.values.wiring import AssignedLink

_NETWORKD = "/etc/systemd/network"
_LAY_KEY = 'umask 027; mkdir -p -m 755 "${1%/*}"; cat > "$1"; chgrp "$2" "$1" 2> /dev/null || chmod 600 "$1"'


def fit_root(world: OuterMachine, root: str, links: Iterable[AssignedLink], keyring: Keyring) -> None:
    """Changes the files of networkd in a root that Ignition has written."""
    script = "\n".join((*_cards(links), *_keys(keyring)))
    if script and world.path(root + _NETWORKD).is_dir():
        command = ["find", _NETWORKD, "-type", "f", "-exec", "sed", "-i", "-e", script, "{}", "+"]
        world.run("chroot", root, *command)


def _cards(links: Iterable[AssignedLink]) -> Iterator[str]:
    for link in links:
        if link.kind is None and link.mac is not None:
            yield f"s/^PermanentMACAddress={link.mac}$/Name={link.name}/I"


def _keys(keyring: Keyring) -> Iterator[str]:
    for old, new in keyring.new_texts().items():
        yield f"s|{old.replace('.', '[.]')}|{new}|g"


def fit_seed(delivery: NodeSeed, keyring: Keyring, *, is_debian: bool) -> NodeSeed:
    """Return a seed with the keys, and with names of keys that Debian's NetworkManager knows, where that boots."""

    def fit(content: bytes) -> bytes:
        text = keyring.rewrite(content.decode(errors="surrogateescape"))
        return (with_old_names(text) if is_debian else text).encode(errors="surrogateescape")

    return replace(delivery, seed=tuple((name, fit(content)) for name, content in delivery.seed))


def lay_keys(world: OuterMachine, root: str, keys: Iterable[OwnKey]) -> None:
    """Lays the private keys into a root, as a person has made them there."""
    for key in keys:
        world.run("chroot", root, "sh", "-c", _LAY_KEY, "sh", key.file, GROUP, stdin=f"{key.private}\n")
