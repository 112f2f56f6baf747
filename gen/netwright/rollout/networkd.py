"""Files of systemd-networkd and udev: what follows from their change.

networkctl(1): `reload` reads all files again, makes devices of new .netdev files, and configures the links of which a
.network file or a drop-in is new, changed or gone; a device that is there is not changed by its .netdev file.
"""

import re

from netwright.rollout.settings import lost_addresses
from netwright.rollout.values import ChangedFile, Command, Consequence, Loss, Stage

RELOAD = Command(Stage.READ, "networkctl reload")
_RESTART = Command(Stage.READ, "systemctl restart systemd-networkd.service")
"""After a reload, a bridge that was made again would have no members (measured with 252)."""
_NAME = re.compile(r"/(?:\d+-)?([^/]+)\.(network|netdev|link)(?:\.d/[^/]+)?$")


def network_file(file: ChangedFile) -> Consequence:
    """A .network file or a drop-in of one: networkd takes the addresses and routes away, and sets them again.

    That takes 10 to 20 ms (measured with 252); connections go on where their address comes back.
    """
    link = _link(file)
    if ".d/" not in file.path and file.before is None:
        return Consequence(commands=(RELOAD,))
    if ".d/" not in file.path and file.after is None:
        notes = (f"{link} loses its addresses and routes, or gets those of the next file that matches it",)
        return Consequence(commands=(RELOAD,), loss=Loss.SHORT, notes=notes)
    away = (f"networkd takes the addresses and routes of {link} away for a moment", *lost_addresses(file, "Address"))
    return Consequence(commands=(RELOAD,), loss=Loss.SHORT, notes=away)


def netdev_file(file: ChangedFile) -> Consequence:
    """A .netdev file: a device that is there has to be deleted and made again."""
    link = _link(file)
    if file.before is None:
        return Consequence(commands=(RELOAD,))
    delete = Command(Stage.DEVICES, f"networkctl delete {link}")
    if file.after is None:
        return Consequence(commands=(delete, RELOAD), loss=Loss.SHORT, notes=(f"{link} is deleted",))
    return Consequence(
        commands=(delete, _RESTART),
        loss=Loss.SHORT,
        notes=(f"{link} is deleted and made again: networkd does not change a device that is there",),
    )


def link_file(_file: ChangedFile) -> Consequence:
    """A .link file, which udev reads where a card appears."""
    return Consequence(
        commands=(Command(Stage.READ, "udevadm control --reload"),),
        loss=Loss.REBOOT,
        moment="boot",
        notes=("udev applies it where the card appears: at the next boot",),
    )


def _link(file: ChangedFile) -> str:
    found = _NAME.search(file.path)
    return found[1] if found is not None else file.path
