"""States of machines for tests, as records would show them."""

from collections.abc import Mapping
from typing import Any

from netwright.live.wanted import Wanted
from netwright.verify.values.live import LiveFile, LiveState, LiveUnit


def state(node: str = "node1", **facts: Any) -> LiveState:
    """A machine of which everything was read, and that has nothing but what is given."""
    nothing: dict[str, Any] = {
        **dict.fromkeys(("kernel", "system", "boot", "ruleset", "iptables", "libvirt"), ""),
        **{fact: {} for fact in ("links", "addresses", "parameters", "files", "units", "versions", "unread")},
        **dict.fromkeys(("routes", "rules", "unknown_rules"), ()),
        **dict.fromkeys(("pod_network", "pod_networks", "provisioned", "tunnels")),
        "asked": ("/etc",),
    }
    return LiveState(**{**nothing, "node": node, "hostname": node, **facts})


def as_wanted(wanted: Wanted) -> dict[str, LiveFile]:
    """The files of a machine that has what is wanted."""
    return {
        path: LiveFile(mode=file.mode or 0o644, owner=file.owner or "root:root", digest=file.digest or "0" * 64)
        for path, file in wanted.files.items()
    }


def unit(**words: Any) -> LiveUnit:
    """A unit that runs, but for what is given."""
    return LiveUnit(**{"load": "loaded", "active": "active", "state": "exited", "enabled": "enabled", **words})


def changed(files: Mapping[str, LiveFile], path: str, **values: Any) -> dict[str, LiveFile]:
    """The files with other values of one of them."""
    known = {name: getattr(files[path], name) for name in LiveFile.__struct_fields__}
    return {**files, path: LiveFile(**{**known, **values})}
