"""K3s's own configuration: config.yaml, and the arguments in its units, environment files and commands that start or
install it (docs.k3s.io, "Configuration Options"). Arguments win over files, a later file over an earlier one."""

import re
from collections.abc import Iterable, Iterator, Mapping

import yaml
from msgspec import Struct
from msgspec.structs import replace

from netwright.text.natural import natural_key
from netwright.text.yaml_parser import LOADER
from netwright.verify.reading.formats.cloudinit import is_deep
from netwright.verify.values.addresses import AddressNumber, parse_ip
from netwright.verify.values.facts import Origin, Unknown

CONFIG = "/etc/rancher/k3s/config.yaml"
_UNITS = ("/etc/systemd/system/k3s", "/etc/default/k3s", "/etc/sysconfig/k3s")
_KEYS = (
    *("flannel-backend", "flannel-iface", "cluster-cidr", "service-cidr", "node-ip"),
    *("disable-kube-proxy", "disable-network-policy", "disable", "service-node-port-range"),
    *("server", "advertise-address", "bind-address", "cluster-dns", "datastore-endpoint"),
    *("node-name", "with-node-id", "https-listen-port", "resolv-conf"),
)
_BEYOND = ("flannel-conf", "flannel-cni-conf", "flannel-external-ip", "vpn-auth", "vpn-auth-file", "kube-proxy-arg")
"""Keys by which K3s makes another network than these say."""
_ARGUMENT_BEYOND = re.compile(rf"--(?:{'|'.join(_BEYOND)})(?=[=\s\"'\\]|$)")
_OTHER_FILE = re.compile(
    r"(?:\bk3s\s+(?:server|agent)\b(?:[^\n\\]|\\.|\\\n)*?\s(?:--config|-c)|\bK3S_CONFIG_FILE)[=\s]+[\"']?(?P<path>[^\s\"']+)"
)
_HARMLESS_OF_PROXY = ("metrics-bind-address=", "healthz-bind-address=", "v=", "proxy-mode=iptables", "conntrack-")
_ARGUMENT = re.compile(rf"--({'|'.join(_KEYS)})(?:(?:=|\s+)(?!-)[\"']?([^\s\"'\\]+))?(?=[\s\"'\\]|$)")
_VARIABLE = re.compile(r"\b(K3S_URL|K3S_NODE_NAME|K3S_RESOLV_CONF)=[\"']?([^\s\"'\\]+)")
_VARIABLES = {"K3S_URL": "server", "K3S_NODE_NAME": "node-name", "K3S_RESOLV_CONF": "resolv-conf"}
"""Variables of the environment that arguments are read from (docs.k3s.io, "k3s agent")."""
_PROXY = re.compile(r"(?<![\w-])(HTTPS_PROXY|NO_PROXY|https_proxy|no_proxy)=[\"']?([^\s\"'\\]+)")
_OF_KUBELET = re.compile(r"--kubelet-arg(?:=|\s+)[\"']?resolv-conf=([^\s\"'\\]+)")
_ENVIRONMENT = re.compile(r"^EnvironmentFile=-?[\"']?([^\s\"']+)", re.MULTILINE)


class K3sSetting(Struct, frozen=True, kw_only=True):
    """Setting of K3s: a key as its arguments have it, values, and the line that sets it. `fault` is what is wrong with
    it whatever the topology has."""

    key: str
    values: tuple[str, ...]
    origin: Origin
    fault: str | None = None

    def __str__(self) -> str:
        return f"{self.key}: {','.join(self.values)}"


def is_on(settings: Mapping[str, K3sSetting], key: str) -> bool:
    """Return whether a switch is stated, and not as false."""
    return key in settings and not {*map(str.lower, settings[key].values)} & {"false", "f", "0"}


_URL = re.compile(r"(?:(https?)://)?([0-9.]+)(?::([0-9]+))?/?", re.IGNORECASE)


def joined_server(value: str) -> tuple[AddressNumber, int] | None:
    """Return the IP and port of a server that K3s is told to join, None if it is no IP; where none is given, https's
    (pkg/agent/loadbalancer, parseURL)."""
    found = _URL.fullmatch(value)
    ip = parse_ip(found[2]) if found is not None else None
    return (ip, int(found[3] or 443)) if found is not None and ip is not None else None


def read_k3s(
    files: Mapping[str, tuple[str, str]], commands: Iterable[tuple[Origin, str]], unknown: list[Unknown]
) -> dict[str, K3sSetting]:
    """The settings by key; `files` has by path the name under which a file is shown, and its text. Adds to `unknown`
    what K3s could not read."""
    found: dict[str, K3sSetting] = {}
    extra = sorted((path for path in files if path.rpartition("/")[0] == f"{CONFIG}.d"), key=natural_key)
    for path in (CONFIG, *(path for path in extra if path.endswith((".yaml", ".yml")))):
        if path in files:
            found.update((setting.key, setting) for setting in _of_config(*files[path], unknown))
    named = {path for unit in files if unit.startswith(_UNITS) for path in _ENVIRONMENT.findall(files[unit][1])}
    speaking = sorted(
        (path for path, (_, text) in files.items() if path in named or _speaks_of_k3s(path, text)), key=natural_key
    )
    told = [(files[path][1], Origin(file=files[path][0], line=1)) for path in speaking]
    commands = tuple(commands)
    told += ((command, origin) for origin, command in commands if "k3s" in command.lower())
    for text, origin in told:
        found.update((one.key, one) for one in _of_arguments(text, origin))
        unknown += _beyond(text, origin)
    if "resolv-conf" in found:
        own = found["resolv-conf"]
        fault = _fault_of_resolver(own.values[0] if own.values else "", files, [command for _, command in commands])
        found["resolv-conf"] = replace(own, fault=fault)
    return found


def _fault_of_resolver(path: str, files: Mapping[str, tuple[str, str]], commands: Iterable[str]) -> str | None:
    """Return why pods ask no server by a file, None if they may. K3s takes the one that it is told as it stands
    (docs.k3s.io, "CoreDNS custom configuration imports"), and no pod starts without it."""
    if path in files:
        servers = [words[1] for words in map(str.split, files[path][1].splitlines()) if words[:1] == ["nameserver"]
                   and len(words) > 1]  # fmt: skip
        if servers and any(not one.startswith(_LOOPBACKS) for one in servers):
            return None
        return f"{path} names {'no server but the machine itself' if servers else 'no server'}"
    if path.endswith("/stub-resolv.conf"):
        return f"{path} names no server but the machine itself"
    others = (text for name, (_, text) in files.items() if not name.startswith((CONFIG, *_UNITS)))
    if path.startswith(_OF_THE_SYSTEM) or any(path in text for text in (*others, *commands)):
        return None
    return f"nothing makes {path}"


_OF_THE_SYSTEM = ("/run/", "/etc/resolv.conf", "/usr/")
_LOOPBACKS = ("127.", "::1")


def _speaks_of_k3s(path: str, text: str) -> bool:
    """Return whether a file may hold arguments of K3s's, or name its file: a unit, a script, variables of one."""
    if path.startswith(CONFIG):
        return False
    may = "--" in text or "k3s " in text or "K3S_" in text
    return path.startswith(_UNITS) or (may and any(one in text for one in _MARKS))


_OF_OTHERS = ("server", "bind-address", "node-name", "resolv-conf")
_MARKS = (
    *("k3s server", "k3s agent", "K3S_CONFIG_FILE", "K3S_URL"),
    *(f"--{key}" for key in (*_KEYS, *_BEYOND) if key not in _OF_OTHERS),
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
        for part in parts if key == "kubelet-arg" else ():
            told, _, path = str(part.value).partition("=")
            if told == "resolv-conf":
                yield K3sSetting(key=told, values=(path,), origin=Origin(file=shown, line=part.start_mark.line + 1))


def _of_arguments(text: str, start: Origin) -> Iterator[K3sSetting]:
    said = [(found, found[1].upper(), found[2]) for found in _PROXY.finditer(text)]
    said += [(found, _VARIABLES[found[1]], found[2]) for found in _VARIABLE.finditer(text)]
    said += [(found, found[1], found[2] or "true") for found in _ARGUMENT.finditer(text)]
    said += [(found, "resolv-conf", found[1]) for found in _OF_KUBELET.finditer(text)]
    for found, key, value in said:
        line = start.line + text.count("\n", 0, found.start())
        if not text[: found.start()].rpartition("\n")[2].lstrip().startswith("#"):
            yield K3sSetting(key=key, values=tuple(value.split(",")), origin=Origin(file=start.file, line=line))
