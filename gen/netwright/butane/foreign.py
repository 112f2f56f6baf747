"""Formats other than Butane's variant flatcar, for the same machines: which it is, and what to write instead."""

from collections.abc import Mapping
from typing import Any

_VARIANTS: Mapping[str, str] = {
    "fcos": "it is Fedora CoreOS's; for Flatcar write variant: flatcar",
    "fiot": "it is Fedora IoT's; for Flatcar write variant: flatcar",
    "r4e": "it is RHEL for Edge's; for Flatcar write variant: flatcar",
    "openshift": "it is OpenShift's; for Flatcar write variant: flatcar",
}
_OLD_ROOTS = frozenset({"coreos", "docker", "etcd", "flannel", "locksmith", "networkd", "update"})
"""Sections that a Container Linux Config has besides those of Butane (its Config Transpiler, doc/configuration.md)."""

_MODERN: Mapping[str, Mapping[str, str]] = {
    "root": {
        "networkd": "put each unit into storage.files, below /etc/systemd/network",
        "locksmith": "write REBOOT_STRATEGY and LOCKSMITHD_... to /etc/flatcar/update.conf with storage.files",
        "update": "write GROUP and SERVER to /etc/flatcar/update.conf with storage.files",
        "etcd": "write a drop-in for etcd-member.service with systemd.units",
        "flannel": "write a drop-in for flanneld.service with systemd.units",
        "docker": "write a drop-in for docker.service with systemd.units",
    },
    "file": {"filesystem": "leave it out: paths are those of the whole system"},
    "directory": {"filesystem": "leave it out: paths are those of the whole system"},
    "link": {"filesystem": "leave it out: paths are those of the whole system"},
    "resource": {"remote": "put its url into source, and its compression and verification next to it"},
    "filesystem": {
        "mount": "put device, format, label and the like next to path",
        "name": "leave it out: files need none",
    },
    "partition": {"size": "write size_mib, a number of MiB", "start": "write start_mib, a number of MiB"},
    "passwd_user": {"create": "write its keys next to name"},
    "config": {"append": "write merge"},
    "unit": {"enable": "write enabled"},
    "raid": {"array": "write devices"},
}
"""Keys that Container Linux Configs have, by the object, each with what Butane has for it."""


def hint_of_variant(variant: object) -> str:
    """Return what to write instead of a variant."""
    return _VARIANTS.get(str(variant), "use flatcar")


def hint_without_variant(document: Mapping[str, Any]) -> str:
    """Return what a document without a variant may be, and what to do with it."""
    if "ignition" in document:
        return (
            "begin the document with variant: flatcar; an Ignition config (ignition.version) needs no compiling: "
            "give it to the machine, or name it in ignition.config.merge"
        )
    old = [key for key in document if key in _OLD_ROOTS]
    if old:
        return (
            f"{old[0]} is a section of Container Linux Configs, which Butane does not read; begin with variant: "
            f"flatcar and version: 1.0.0, and instead of {old[0]} "
            f"{_MODERN['root'].get(old[0], 'use storage and systemd')}"
        )
    return "begin the document with variant: flatcar"


def modern_key(shape: str, key: str) -> str | None:
    """Return what stands in Butane for a key that a Container Linux Config has in an object, None if it is none."""
    return _MODERN.get(shape, {}).get(key)
