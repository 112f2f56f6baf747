"""Configs that Ignition refuses as a whole, or at which it stops: the machine does not come up (Ignition spec 3).

Tried with Ignition 2.14, which checks a config before it does anything: types, paths, names, and entries that stand
twice. Owners and folders it only meets while it writes.
"""

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

_NAMES = """
    ignition version config merge replace source compression httpHeaders verification hash timeouts security tls
    certificateAuthorities proxy storage files directories links filesystems disks raid luks path overwrite user group
    id name mode contents append target hard device format systemd units enabled mask dropins passwd users groups
    shouldExist shouldNotExist kernelArguments uid gid
"""
_WRITTEN = {name.lower(): name for name in _NAMES.split()}
_TYPES: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys(("path", "source", "compression", "target", "name", "version"), (str, "a string")),
    **dict.fromkeys(("overwrite", "hard", "enabled", "mask"), (bool, "true or false")),
    **dict.fromkeys(("mode", "uid", "gid", "id"), (int, "a number without a fraction")),
}
_UNITS = re.compile(
    r".*\.(?:service|socket|device|mount|automount|swap|target|path|timer|snapshot|slice|scope)", re.DOTALL
)
_HIGHEST_MODE = 0o7777
_USER_NAMES = """
    root bin daemon adm lp sync shutdown halt news uucp operator man messagebus syslog ntp sshd tcpdump dhcp etcd docker
    polkitd tss systemd-network systemd-resolve systemd-timesync systemd-journal-remote systemd-bus-proxy
    systemd-coredump systemd-oomd portage core nobody tlsdate rpc rpcuser nfsnobody dnsmasq kvm fleet
"""
_USERS = frozenset(_USER_NAMES.split())
"""Users that Flatcar has (flatcar/baselayout, passwd)."""

Fault = tuple[str, str]
"""The path or name of an entry, and why Ignition stops at it."""


class MisreadError(ValueError):
    """Ignition, written in Go, reads the config in another way than it looks."""


def load_config(text: str) -> dict[str, Any]:
    """Return the config.

    Raises json.JSONDecodeError, and MisreadError for a key that stands twice in an object, or that Go takes for another
    one: it does not look at capitals, and keeps what comes last.
    """
    document: dict[str, Any] = json.loads(text, object_pairs_hook=_object)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise MisreadError(f"{twice} stands twice in one object, of which Ignition mixes both; write it once")
    for key in found:
        plain = _WRITTEN.get(key.lower(), key)
        if plain != key:
            raise MisreadError(f"Ignition takes {key} for {plain}; write {plain}")
    return found


def find_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what Ignition stops at. Raises ValueError, TypeError, KeyError or AttributeError for another form."""
    storage, systemd = document.get("storage") or {}, document.get("systemd") or {}
    nodes = {kind: list(storage.get(kind) or ()) for kind in ("files", "directories", "links")}
    units, accounts = list(systemd.get("units") or ()), document.get("passwd") or {}
    entries = [*nodes["files"], *nodes["directories"], *nodes["links"]]
    wrong = [fault for entry in (*entries, *units) for fault in _wrong_types(entry)]
    if wrong:
        yield from wrong
        return
    yield from _twice([one.get("path") for one in entries])
    yield from _twice([one.get("name") for one in units])
    for kind in ("users", "groups"):
        yield from _twice([one.get("name") for one in accounts.get(kind) or ()])
    arguments = document.get("kernelArguments") or {}
    yield from _twice([*(arguments.get("shouldExist") or ()), *(arguments.get("shouldNotExist") or ())])
    users = _USERS | {str(one.get("name")) for one in accounts.get("users") or ()}
    for entry in entries:
        yield from _refuse_node(entry, users)
    for entry in nodes["files"]:
        yield from _refuse_file(entry)
    carried = {one.get("path") for one in nodes["files"]}
    for entry in nodes["links"]:
        yield from _refuse_link(entry, carried)
    yield from _refuse_below(nodes["files"], nodes["links"], entries)
    for unit in units:
        yield from _refuse_unit(unit)


def _wrong_types(entry: Any) -> Iterator[Fault]:
    """Yield values of another type than Ignition's structures have, which Go's decoder refuses."""
    for holder in (entry, entry.get("contents"), entry.get("user"), entry.get("group")):
        for key, value in holder.items() if isinstance(holder, dict) else ():
            wanted = _TYPES.get(key)
            if wanted is not None and value is not None and type(value) is not wanted[0]:
                yield str(entry.get("path") or entry.get("name")), f"{key} must be {wanted[1]}, not {json.dumps(value)}"


def _twice(keys: Sequence[Any]) -> Iterator[Fault]:
    if len(set(keys)) != len(keys):
        found = next(key for key in keys if keys.count(key) > 1)
        yield str(found), "it stands twice in the config"


def _refuse_node(entry: Mapping[str, Any], users: frozenset[str]) -> Iterator[Fault]:
    path = entry.get("path") or ""
    if not path.startswith("/"):
        yield path, "a path must begin with /"
    elif path != "/" and {"", ".", ".."} & {*path[1:].split("/")}:
        yield path, "a path has no //, no . or .. and no / at its end"
    if not 0 <= (entry.get("mode") or 0) <= _HIGHEST_MODE:
        yield path, f"mode {entry['mode']} is none: JSON has decimal numbers, 0644 is 420"
    for kind in ("user", "group"):
        owner = entry.get(kind) or {}
        if owner.get("id") is not None and owner.get("name"):
            yield path, f"{kind} has both id and name; leave one"
    name = (entry.get("user") or {}).get("name")
    if name and name not in users:
        yield path, f"Flatcar has no user {name}, and the config makes none"


def _refuse_file(entry: Mapping[str, Any]) -> Iterator[Fault]:
    contents = entry.get("contents") or {}
    if entry.get("overwrite") and not contents.get("source"):
        yield entry["path"], "overwrite needs contents with a source"
    for resource in (contents, *(entry.get("append") or ())):
        if resource.get("compression") not in (None, "", "gzip"):
            yield entry["path"], f"compression {resource['compression']} is none that Ignition knows; gzip is"


def _refuse_link(entry: Mapping[str, Any], carried: Container[str | None]) -> Iterator[Fault]:
    if not entry.get("target"):
        yield entry["path"], "a link needs a target"
    elif entry.get("hard") and entry["target"] not in carried:
        yield entry["path"], f"a hard link needs a file of this config, which {entry['target']} is not"


def _refuse_below(
    files: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]
) -> Iterator[Fault]:
    holders = {one["path"]: "a link" for one in links} | {one["path"]: "a file" for one in files}
    for entry in entries:
        path = entry["path"]
        while (path := path.rpartition("/")[0]) not in ("", "/"):
            if path in holders:
                yield entry["path"], f"{path} above it is {holders[path]} of this config"


def _refuse_unit(unit: Mapping[str, Any]) -> Iterator[Fault]:
    name = unit.get("name") or ""
    if _UNITS.fullmatch(name) is None:
        yield name, "it ends in no suffix of a unit, such as .service"
    dropins = unit.get("dropins") or ()
    yield from _twice([one.get("name") for one in dropins])
    for dropin in dropins:
        if not dropin.get("name", "").endswith(".conf"):
            yield f"{name}.d/{dropin.get('name')}", "the name of a drop-in ends in .conf"
    for text in (unit.get("contents"), *(one.get("contents") for one in dropins)):
        fault = find_unit_fault(text or "")
        if fault is not None:
            yield name, fault


def find_unit_fault(text: str) -> str | None:
    """Return why the text is no unit to Ignition's reader (go-systemd), None if it is one: systemd skips such lines."""
    in_section, lines = False, iter(text.split("\n"))
    for line in lines:
        bare, following = line.strip(), line
        if in_section and bare and bare[0] not in "#;[" and "=" not in bare:
            return f"its line {bare!r} has no ="
        if bare.startswith("[") and (in_section or line.startswith("[")):
            in_section = True
            if "]" not in bare:
                return f"its line {bare!r} lacks ]"
            if bare.partition("]")[2].strip():
                return f"in its line {bare!r} something stands behind ]"
        while bare and following.rstrip(" ").endswith("\\"):
            following = next(lines, "")
    return None
