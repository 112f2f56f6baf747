"""Needs of the lab on the machine it runs on."""

import os
import shutil
import sys

from netwright.lab.namespaces import ENVIRONMENT

SYSCTL = "/usr/lib/systemd/systemd-sysctl"
_PACKAGES = {"ip": "iproute2", "bridge": "iproute2", "nft": "nftables", SYSCTL: "systemd"}


def missing() -> str | None:
    """Return why no lab can be built here, in words; None if one can."""
    if sys.platform != "linux":
        return f"the lab is made of Linux network namespaces; this is {sys.platform}"
    if os.geteuid() != 0:
        return "the lab needs root, to make network namespaces; nothing outside of them is touched. Run it with sudo"
    absent = [program for program in _PACKAGES if shutil.which(program, path=ENVIRONMENT["PATH"]) is None]
    if absent:
        packages = ", ".join(sorted({_PACKAGES[program] for program in absent}))
        return f"the lab needs {', '.join(absent)}; install {packages}"
    return None
