"""sysctl settings -> the kernel parameters that each interface ends up with (kernel, ip-sysctl.rst)."""

from collections.abc import Container, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from msgspec import Struct, field
from msgspec.structs import replace

from netwright.verify.reading.formats.sysctl import CONF, DEFAULTS, read_sysctl
from netwright.verify.reading.harmless_keys import APART, is_harmless
from netwright.verify.values.addresses import parse_number
from netwright.verify.values.facts import Origin, Setting, Unknown

_BRIDGE_NF = ("net", "bridge", "bridge-nf-call-iptables")

_EL8 = "net.ipv4.conf.all.rp_filter = 1\n"
_SINCE_EL9 = "net.ipv4.conf.default.rp_filter = 1\nnet.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\n"

SYSTEM_SYSCTLS = {
    "flatcar": "net.ipv4.ip_forward = 1\nnet.ipv4.conf.default.rp_filter = 0\nnet.ipv4.conf.*.rp_filter = 0\n",
    **{clone + "8": _EL8 for clone in ("rocky", "almalinux")},
    **{clone + release: _SINCE_EL9 for clone in ("rocky", "almalinux") for release in ("9", "10")},
}
"""Values of forwarding and filtering by each system's own files in /usr/lib/sysctl.d.

- Flatcar: 60-baselayout.conf (github.com/flatcar/baselayout), after systemd's 50-default.conf, whose 2 it undoes.
- EL8: 50-default.conf of systemd 239, whose change of `all` from 1 to 2 Red Hat took back (bug 1653824).
- EL9: 50-redhat.conf of rocky-release, of almalinux-release and of redhat-release, after 50-default.conf, which sets 2
  for the same keys. An AlmaLinux 9 as installed shows all 0, default 1 and its card 1 (STIG ALMA-09-019820).
- EL10 has that 50-redhat.conf too (`sysctl --system` of AlmaLinux 10.2 lists it); its lines are taken to be EL9's.
"""


SYSTEM_FILES = {
    "flatcar": "60-baselayout.conf",
    **{clone + "8": "50-default.conf" for clone in ("rocky", "almalinux")},
    **{clone + release: "50-redhat.conf" for clone in ("rocky", "almalinux") for release in ("9", "10")},
}
"""The file below /usr/lib/sysctl.d whose lines these are: files of the node are read before it and behind it."""


def among_the_systems(system: str, own: Sequence[Setting], unknown: list[Unknown]) -> tuple[Setting, ...]:
    """A node's settings with those of its system at their place; adds to `unknown` a file that hides the system's."""
    place = SYSTEM_FILES.get(system)
    if place is None:
        return (*own,)
    names = [setting.origin.file.rpartition("/")[2] for setting in own]
    if place in names:
        origin = own[names.index(place)].origin
        unknown.append(Unknown(origin=origin, text="", reason=f"hides the file of that name that {system} has"))
    # What is not of sysctl.d (handoff.md) comes last; so does /etc/sysctl.conf, linked to as 99-sysctl.conf.
    before = [setting for setting, name in zip(own, names, strict=True) if name < place and name.endswith(".conf")]
    return (*before, *system_settings(system), *own[len(before) :])


@cache
def system_settings(system: str) -> tuple[Setting, ...]:
    """The settings of the system's own files."""
    return tuple(read_sysctl(f"{system}'s own sysctl.d", SYSTEM_SYSCTLS.get(system, "")).settings)


def _as_a_kernel_starts() -> dict[str, dict[str, int]]:
    return {"all": dict(DEFAULTS), "default": dict(DEFAULTS)}


class Parameters(Struct, kw_only=True):
    """One machine's parameters; those that `all` shares are combined as the kernel does it.

    `lines` are where its settings stand, `setters` the number of the setting that each value comes from, and
    `relaxed` the interfaces whose reverse path filter NetworkManager made loose.
    """

    values: dict[str, dict[str, int]] = field(default_factory=_as_a_kernel_starts)
    setters: dict[tuple[str, str], int] = field(default_factory=dict)
    bridge_nf: bool | None = None
    tcp_loose: bool = True
    unknown: list[Unknown] = field(default_factory=list)
    lines: Sequence[Origin] = ()
    relaxed: tuple[str, ...] = ()

    def value(self, interface: str, key: str) -> int:
        """The interface's own value, `default`'s for an interface that is not named."""
        return self.values.get(interface, self.values["default"])[key]

    def either(self, interface: str, key: str) -> bool:
        """Return whether `all` or the interface has it."""
        return bool(self.values["all"][key] or self.value(interface, key))

    def largest(self, interface: str, key: str) -> int:
        """The larger of `all`'s value and the interface's."""
        return max(self.values["all"][key], self.value(interface, key))

    def origin(self, interface: str, key: str) -> Origin | None:
        """The line that set the interface's value or, failing that, all's; None for the kernel's default."""
        for name in (interface, "all", "default"):
            if (name, key) in self.setters:
                return self.lines[self.setters[name, key]]
        return None


def apply_settings(settings: Sequence[Setting], present: Iterable[str], later: Iterable[str]) -> Parameters:
    """The parameters after boot: `present` interfaces are there when sysctl.d is applied, `later` ones come after.

    Later ones copy `default`; then udev applies the lines that name them once more. Worked out once for all machines
    with the same settings in their files: only the lines are each one's own.
    """
    said = tuple((setting.key, setting.value) for setting in settings)
    shared = _boot(said, tuple(present), tuple(later))
    lines = [setting.origin for setting in settings]
    unknown = [replace(one, origin=lines[one.origin.line]) for one in shared.unknown]
    return Parameters(
        values=shared.values,
        setters=shared.setters,
        bridge_nf=shared.bridge_nf,
        tcp_loose=shared.tcp_loose,
        unknown=unknown,
        lines=lines,
    )


def relax(parameters: Parameters, led_out: Iterable[tuple[str, Origin]]) -> Parameters:
    """The parameters once NetworkManager has made strict reverse path filters loose: those of the interfaces to which
    it gives a unicast default route in the main table, each with its line.

    Measured with NetworkManager 1.42.4: an interface that has 1 itself gets 2, whatever `all` has.
    """
    values, setters, lines = dict(parameters.values), dict(parameters.setters), [*parameters.lines]
    relaxed = []
    for interface, origin in led_out:
        if values[interface]["rp_filter"] == 1:
            values[interface] = {**values[interface], "rp_filter": 2}
            setters[interface, "rp_filter"] = len(lines)
            lines.append(origin)
            relaxed.append(interface)
    if not relaxed:
        return parameters
    return replace(parameters, values=values, setters=setters, lines=lines, relaxed=tuple(relaxed))


def set_by_commands(parameters: Parameters, settings: Sequence[Setting], later: Container[str]) -> Parameters:
    """The parameters once commands have set some on a machine that is up; of interfaces that programs make `later`, it
    is not known whether they were there by then."""
    if not settings:
        return parameters
    values = {name: dict(own) for name, own in parameters.values.items()}
    lines = [*parameters.lines, *(setting.origin for setting in settings)]
    after = replace(parameters, values=values, setters=dict(parameters.setters), lines=lines, unknown=[])
    for number, setting in enumerate(settings, start=len(parameters.lines)):
        name = setting.key[3] if setting.key[:3] == CONF else ""
        if name in later or (name == "default" and any(one in later for one in values)):
            _puzzle(after, setting)
        else:
            _write(after, replace(setting, origin=Origin(file="", line=number)), [*values])
    unknown = [one if one.origin.file else replace(one, origin=lines[one.origin.line]) for one in after.unknown]
    return replace(after, unknown=[*parameters.unknown, *unknown])


@lru_cache(maxsize=4096)
def _boot(
    said: tuple[tuple[tuple[str, ...], str | None], ...], present: tuple[str, ...], later: tuple[str, ...]
) -> Parameters:
    """The parameters; the line of a setting's origin is its number here."""
    settings = [
        Setting(key=key, value=value, origin=Origin(file="", line=number)) for number, (key, value) in enumerate(said)
    ]
    parameters = Parameters()
    for name in present:
        parameters.values[name] = dict(DEFAULTS)
    for setting in _final(settings):
        _write(parameters, setting, [*parameters.values])
    for name in later:
        parameters.values[name] = dict(parameters.values["default"])
        for key, value in parameters.values["default"].items():
            if value != DEFAULTS[key] and ("default", key) in parameters.setters:
                parameters.setters[name, key] = parameters.setters["default", key]
        for setting in _final(settings):
            if setting.key[:3] == CONF and len(setting.key) >= 5 and setting.key[3] not in ("all", "default"):
                _write(parameters, setting, [name])
    return parameters


def _final(settings: Sequence[Setting]) -> Iterator[Setting]:
    """The settings that are applied, in order: a key's last assignment holds, at the place where its value came up; an
    explicit key, with or without a value, is not touched by globs."""
    last: dict[tuple[str, ...], Setting] = {}
    for setting in settings:
        if setting.key not in last or last[setting.key].value != setting.value:
            last.pop(setting.key, None)
            last[setting.key] = setting
    explicit = {key for key in last if not _is_glob("".join(key))}
    for setting in last.values():
        if setting.value is None:
            continue
        if len(setting.key) == 5 and setting.key[:3] == CONF and _is_glob(setting.key[3]):
            spared = {key[3] for key in explicit if key[:3] == CONF and len(key) == 5 and key[4] == setting.key[4]}
            yield Setting(key=(*setting.key, *sorted(spared)), value=setting.value, origin=setting.origin)
        else:
            yield setting


def _is_glob(text: str) -> bool:
    return not _GLOB.isdisjoint(text)


_GLOB = frozenset("*?[")


def _write(parameters: Parameters, setting: Setting, names: Sequence[str]) -> None:
    key = setting.key
    if _is_glob("".join(key if key[:3] != CONF else key[4:5])):
        if key[:2] != ("net", "ipv6") and key[0] not in APART:
            _puzzle(parameters, setting)
    elif key[:3] == CONF and len(key) >= 5:
        spared = key[5:]
        for name in names:
            if key[3] == name or (_is_glob(key[3]) and fnmatchcase(name, key[3]) and name not in spared):
                _write_conf(parameters, name, key[4], setting)
    elif key == ("net", "ipv4", "ip_forward"):
        _write_conf(parameters, "all", "forwarding", setting)
    elif key == _BRIDGE_NF:
        parameters.bridge_nf = setting.value != "0"
    elif key == ("net", "netfilter", "nf_conntrack_tcp_loose"):
        parameters.tcp_loose = setting.value != "0"
    elif not is_harmless(key, setting.value or ""):
        _puzzle(parameters, setting)


def _write_conf(parameters: Parameters, name: str, key: str, setting: Setting) -> None:
    value = setting.value or ""
    if key not in DEFAULTS:
        if not is_harmless((*CONF, name, key), value):
            _puzzle(parameters, setting)
        return
    plain = parse_number(value.removeprefix("-"), 0x7FFFFFFF)
    if plain is None:  # the kernel reads 010 as 8
        _puzzle(parameters, setting)
        return
    number = -plain if value.startswith("-") else plain
    changed = parameters.values[name][key] != number
    parameters.values[name][key] = number
    parameters.setters[name, key] = setting.origin.line
    if name == "all" and key == "forwarding" and changed:
        # The kernel hands a change on to every interface that is there, and to default (inet_forward_change).
        parameters.values["all"]["accept_redirects"] = int(not number)
        for other in parameters.values:
            parameters.values[other]["forwarding"] = number
            parameters.setters[other, "forwarding"] = setting.origin.line


def _puzzle(parameters: Parameters, setting: Setting) -> None:
    text = f"{'.'.join(setting.key[:5])} = {setting.value}"
    unknown = Unknown(origin=setting.origin, text=text, reason="a kernel parameter whose effect is not known")
    if unknown not in parameters.unknown:
        parameters.unknown.append(unknown)
