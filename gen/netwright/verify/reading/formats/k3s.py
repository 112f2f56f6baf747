"""K3s's own configuration: config.yaml, and the arguments in its units, environment files and commands that start or
install it (docs.k3s.io, "Configuration Options"). Arguments win over files, a later file over an earlier one."""

import re
from collections.abc import Iterable, Iterator, Mapping

import yaml
from msgspec import Struct

from netwright.text.natural import natural_key
from netwright.text.yaml_parser import LOADER
from netwright.verify.reading.formats.cloudinit import is_deep
from netwright.verify.values.facts import Origin, Unknown

CONFIG = "/etc/rancher/k3s/config.yaml"
_UNITS = ("/etc/systemd/system/k3s", "/etc/default/k3s", "/etc/sysconfig/k3s")
_KEYS = (
    *("flannel-backend", "flannel-iface", "cluster-cidr", "service-cidr", "node-ip"),
    *("disable-kube-proxy", "disable-network-policy", "disable", "service-node-port-range"),
    *("server", "advertise-address", "bind-address", "cluster-dns", "datastore-endpoint"),
)
_BEYOND = ("flannel-conf", "flannel-cni-conf", "flannel-external-ip", "vpn-auth", "vpn-auth-file", "kube-proxy-arg")
"""Keys by which K3s makes another network than these say."""
_ARGUMENT_BEYOND = re.compile(rf"--(?:{'|'.join(_BEYOND)})(?=[=\s\"'\\]|$)")
_OTHER_FILE = re.compile(
    r"(?:\bk3s\s+(?:server|agent)\b(?:[^\n\\]|\\.|\\\n)*?\s(?:--config|-c)|\bK3S_CONFIG_FILE)[=\s]+[\"']?(?P<path>[^\s\"']+)"
)
_HARMLESS_OF_PROXY = ("metrics-bind-address=", "healthz-bind-address=", "v=", "proxy-mode=iptables", "conntrack-")
_ARGUMENT = re.compile(rf"--({'|'.join(_KEYS)})(?:(?:=|\s+)(?!-)[\"']?([^\s\"'\\]+))?(?=[\s\"'\\]|$)")
_VARIABLE = re.compile(r"\bK3S_URL=[\"']?([^\s\"'\\]+)")
"""The variable of the environment that `--server` is read from (docs.k3s.io, "k3s agent")."""


class K3sSetting(Struct, frozen=True, kw_only=True):
    """Setting of K3s: a key as its arguments have it, values, and the line that sets it."""

    key: str
    values: tuple[str, ...]
    origin: Origin

    def __str__(self) -> str:
        return f"{self.key}: {','.join(self.values)}"


def is_on(settings: Mapping[str, K3sSetting], key: str) -> bool:
    """Return whether a switch is stated, and not as false."""
    return key in settings and not {*map(str.lower, settings[key].values)} & {"false", "f", "0"}


def read_k3s(
    files: Mapping[str, tuple[str, str]], commands: Iterable[tuple[Origin, str]], unknown: list[Unknown]
) -> dict[str, K3sSetting]:
    """The settings by key; `files` has by path the name under which a file is shown, and its text. Adds to `unknown`
    what K3s could not read."""
    found: dict[str, K3sSetting] = {}
    extra = sorted((path for path in files if path.startswith(f"{CONFIG}.d/")), key=natural_key)
    for path in (CONFIG, *(path for path in extra if path.endswith((".yaml", ".yml")))):
        if path in files:
            found.update((setting.key, setting) for setting in _of_config(*files[path], unknown))
    speaking = sorted((path for path, (_, text) in files.items() if _speaks_of_k3s(path, text)), key=natural_key)
    told = [(files[path][1], Origin(file=files[path][0], line=1)) for path in speaking]
    told += ((command, origin) for origin, command in commands if "k3s" in command.lower())
    for text, origin in told:
        found.update((one.key, one) for one in _of_arguments(text, origin))
        unknown += _beyond(text, origin)
    return found


def _speaks_of_k3s(path: str, text: str) -> bool:
    """Return whether a file may hold arguments of K3s's, or name its file: a unit, a script, variables of one."""
    if path.startswith(CONFIG):
        return False
    may = "--" in text or "k3s " in text or "K3S_" in text
    return path.startswith(_UNITS) or (may and any(one in text for one in _MARKS))


_MARKS = (
    *("k3s server", "k3s agent", "K3S_CONFIG_FILE", "K3S_URL"),
    *(f"--{key}" for key in (*_KEYS, *_BEYOND) if key not in ("server", "bind-address")),
)
"""What speaks of K3s, and of no other program."""


def _beyond(text: str, start: Origin) -> Iterator[Unknown]:
    """Yield what tells K3s of another network, or to read another file."""
    matches = (*_ARGUMENT_BEYOND.finditer(text), *_OTHER_FILE.finditer(text))
    for found in matches:
        if text[: found.start()].rpartition("\n")[2].lstrip().startswith("#"):
            continue
        if found.groupdict().get("path") == CONFIG or (
            found[0] == "--kube-proxy-arg" and text[found.end() :].lstrip("= \"'").startswith(_HARMLESS_OF_PROXY)
        ):
            continue
        origin = Origin(file=start.file, line=start.line + text.count("\n", 0, found.end()))
        yield Unknown(origin=origin, text=found[0].rpartition("\n")[2].strip(), reason=_TOLD)


_TOLD = "K3s is told of another network than that of its usual files, in a way that is not known"


def _of_config(shown: str, text: str, unknown: list[Unknown]) -> Iterator[K3sSetting]:
    try:
        document = None if is_deep(text) else yaml.compose(text, Loader=LOADER)
    except (yaml.YAMLError, ValueError, RecursionError):
        document = None
    if not isinstance(document, yaml.MappingNode):
        if text.strip():
            unknown.append(Unknown(origin=Origin(file=shown, line=1), text="", reason="no YAML that K3s could read"))
        return
    for name, value in document.value:
        key = str(name.value).removesuffix("+")
        parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
        if key in _BEYOND and not (
            key == "kube-proxy-arg" and all(str(part.value).startswith(_HARMLESS_OF_PROXY) for part in parts)
        ):
            origin = Origin(file=shown, line=name.start_mark.line + 1)
            unknown.append(Unknown(origin=origin, text=key, reason=_TOLD))
        if key in _KEYS:
            values = tuple(word for part in parts for word in str(part.value).replace(" ", "").split(",") if word)
            yield K3sSetting(key=key, values=values, origin=Origin(file=shown, line=name.start_mark.line + 1))


def _of_arguments(text: str, start: Origin) -> Iterator[K3sSetting]:
    said = [(found, "server", found[1]) for found in _VARIABLE.finditer(text)]
    said += [(found, found[1], found[2] or "true") for found in _ARGUMENT.finditer(text)]
    for found, key, value in said:
        line = start.line + text.count("\n", 0, found.start())
        if not text[: found.start()].rpartition("\n")[2].lstrip().startswith("#"):
            yield K3sSetting(key=key, values=tuple(value.split(",")), origin=Origin(file=start.file, line=line))
