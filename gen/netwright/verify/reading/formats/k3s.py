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
    *("disable-kube-proxy", "disable-network-policy"),
)
_ARGUMENT = re.compile(rf"--({'|'.join(_KEYS)})(?:(?:=|\s+)(?!-)[\"']?([^\s\"'\\]+))?(?=[\s\"'\\]|$)")


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
    for path in sorted((path for path in files if path.startswith(_UNITS)), key=natural_key):
        shown, text = files[path]
        found.update((setting.key, setting) for setting in _of_arguments(text, Origin(file=shown, line=1)))
    for origin, command in commands:
        if "k3s" in command.lower():
            found.update((one.key, one) for one in _of_arguments(command, origin))
    return found


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
        if key in _KEYS:
            parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
            values = tuple(word for part in parts for word in str(part.value).replace(" ", "").split(",") if word)
            yield K3sSetting(key=key, values=values, origin=Origin(file=shown, line=name.start_mark.line + 1))


def _of_arguments(text: str, start: Origin) -> Iterator[K3sSetting]:
    for found in _ARGUMENT.finditer(text):
        line = start.line + text.count("\n", 0, found.start())
        if not text[: found.start()].rpartition("\n")[2].lstrip().startswith("#"):
            values = tuple((found[2] or "true").split(","))
            yield K3sSetting(key=found[1], values=values, origin=Origin(file=start.file, line=line))
