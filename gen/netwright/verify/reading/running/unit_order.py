"""Circles in the order of units, which systemd breaks by leaving out the start of one in it, whichever that is.

The stages of a boot are those of bootup(7) and systemd.special(7); a service waits for basic.target unless it has
DefaultDependencies=no (systemd.service(5)).
"""

from collections.abc import Container, Sequence

_SYSTEM = (
    """
        systemd-modules-load systemd-udevd systemd-udev-trigger systemd-sysctl systemd-tmpfiles-setup-dev local-fs-pre
        local-fs systemd-tmpfiles-setup systemd-journald systemd-sysusers
    """,
    "sysinit",
    "basic",
    "multi-user graphical",
)
_NETWORK = (
    "systemd-sysctl systemd-udevd",
    "network-pre",
    "systemd-networkd NetworkManager",
    "network",
    "systemd-networkd-wait-online NetworkManager-wait-online",
    "network-online",
    "multi-user graphical",
)
_CHAINS = tuple(
    {name: stage for stage, names in enumerate(chain) for name in names.split()} for chain in (_SYSTEM, _NETWORK)
)


def find_circle(name: str, before: Sequence[str], after: Sequence[str], default: Container[str]) -> str | None:
    """Return why the unit `name` can't be started in its order, None if it can; `default` are the values of its
    DefaultDependencies=. What comes before itself by way of the unit is named."""
    implied = {".service": "basic.target", ".socket": "sysinit.target", ".timer": "sysinit.target"}
    stated = any(word in default for word in ("no", "false", "off", "0"))
    last = [*after, *(wanted for suffix, wanted in implied.items() if name.endswith(suffix) and not stated)]
    for chain in _CHAINS:
        for earlier in before:
            for later in last:
                first, second = (chain.get(one.rpartition(".")[0]) for one in (earlier, later))
                if first is not None and second is not None and (first < second or earlier == later):
                    return (
                        f"it is to start before {earlier} and after {later}, which comes later: systemd breaks the "
                        "circle and leaves out the start of one unit in it, the network's maybe"
                    )
    return None
