"""Rules and kernel parameters: what follows from their change."""

from netwright.rollout.settings import changed_settings, read_settings
from netwright.rollout.values import ChangedFile, Command, Consequence, Stage

OUR_RULES, OUR_UNIT = "/etc/nftables/netwright.nft", "netwright-nftables.service"


def ruleset(file: ChangedFile) -> Consequence:
    """A ruleset: nft replaces the table at once, and conntrack keeps what is established."""
    if file.path != OUR_RULES:
        return Consequence(commands=(Command(Stage.RULES, f"nft -f {file.path}"),) if file.after is not None else ())
    if file.after is None:
        return Consequence(notes=("its table goes as its unit stops",))
    if file.before is None:
        return Consequence(notes=("its unit, which comes with it, loads it",))
    return Consequence(
        commands=(Command(Stage.RULES, f"systemctl reload-or-restart {OUR_UNIT}"),),
        notes=("the table is replaced as a whole; established connections stay",),
    )


def firewalld(_file: ChangedFile) -> Consequence:
    """A zone, policy or set of firewalld's; a reload keeps established connections."""
    return Consequence(commands=(Command(Stage.RULES, "firewall-cmd --reload"),))


def sysctl(file: ChangedFile) -> Consequence:
    """A file of sysctl.d: a key that goes leaves its value in the kernel."""
    _, come = changed_settings(file)
    stated = {key for _, key, _ in read_settings(file.after)}
    gone = [(key, value) for _, key, value in read_settings(file.before) if key not in stated]
    command = Command(Stage.PARAMETERS, "systemctl restart systemd-sysctl.service")
    return Consequence(
        commands=(command,) if come else (),
        moment="boot" if gone else "now",
        notes=tuple(f"{key} stays {value} until the reboot" for key, value in gone),
    )
