"""Results of systemd-sysctl with files, as verify predicts them: judged by the program."""

from collections.abc import Mapping

from netwright.lab.machine import File, LabMachine
from netwright.lab.programs import SYSCTL
from netwright.verify.network_model.parameters import SYSTEM_FILES, SYSTEM_SYSCTLS, among_the_systems, apply_settings
from netwright.verify.reading.formats.sysctl import merge_order, read_sysctl
from netwright.verify.values.facts import Setting, Unknown
from tests.rigs.wires import Nic, boot_wired

CONF, CARDS = "net.ipv4.conf.", ("eth0", "eth1")
OWN, SYSTEMS = "/etc/sysctl.d/", "/usr/lib/sysctl.d/"
NAMES, KEYS = ("all", "default", *CARDS), ("rp_filter", "forwarding", "arp_ignore")
RESET = f"{CONF}eth0.forwarding=0\nnet.ipv4.ip_forward=1\n"
EL9, FLATCAR = "rocky9", "flatcar"

KNOWN: Mapping[str, Mapping[str, str]] = {
    "a-value-said-again-stays-where-it-was": {"a.conf": f"{RESET}{CONF}eth0.forwarding=0\n"},
    "in-another-file-too": {"a.conf": RESET, "b.conf": f"{CONF}eth0.forwarding=0\n"},
    "another-value-moves": {"a.conf": f"{CONF}eth0.forwarding=1\nnet.ipv4.ip_forward=1\n{CONF}eth0.forwarding=0\n"},
    "forwarding-said-again": {"a.conf": f"net.ipv4.ip_forward=1\n{CONF}eth0.forwarding=0\nnet.ipv4.ip_forward=1\n"},
    "back-and-forth": {"a.conf": f"{CONF}eth0.rp_filter=1\n{CONF}eth0.rp_filter=2\n{CONF}eth0.rp_filter=1\n"},
    "glob-of-one-letter": {"a.conf": f"{CONF}eth?.rp_filter=1\n"},
    "glob-of-letters": {"a.conf": f"{CONF}eth[0-9].rp_filter=1\n"},
    "glob-of-other-letters": {"a.conf": f"{CONF}eth[!1].rp_filter=1\n"},
    "glob-spares": {"a.conf": f"{CONF}eth?.rp_filter=1\n-{CONF}eth0.rp_filter\n"},
    "globs-in-turn": {"a.conf": f"{CONF}*.rp_filter=1\n{CONF}eth[0].rp_filter=2\n"},
    "dots-are-no-words": {"a.conf": "net/./ipv4/ip_forward=1\nnet..ipv4.conf.eth0..rp_filter=2\n"},
    "slashes-are-no-words": {"a.conf": "/net//ipv4/conf/eth0/./rp_filter/=2\n"},
    "hidden": {".a.conf": f"{CONF}eth0.rp_filter=1\n"},
    "by-name": {"10-a.conf": f"{CONF}eth0.rp_filter=1\n", "9-b.conf": f"{CONF}eth0.rp_filter=2\n"},
}
UNKNOWN: Mapping[str, str] = {
    "octal": f"{CONF}eth0.arp_ignore=010\n",
    "glob-of-a-key": f"{CONF}eth0.rp_f*=1\n",
    "glob-of-a-family": "net.ipv[4].conf.eth0.rp_filter=1\n",
    "glob-of-everything": f"{CONF}*.*=0\n",
}
# A system, a file of ours with its text, and what eth0 comes to: forwarding and rp_filter.
BESIDE_THE_SYSTEMS: Mapping[str, tuple[str, str, str, tuple[int, int]]] = {
    "before": (FLATCAR, "10-a.conf", "net.ipv4.ip_forward=0\n", (1, 0)),
    "behind": (FLATCAR, "90-a.conf", "net.ipv4.ip_forward=0\n", (0, 0)),
    "glob-before": (EL9, "10-a.conf", f"{CONF}*.rp_filter=2\n", (0, 1)),
    "glob-behind": (EL9, "90-a.conf", f"{CONF}*.rp_filter=2\n", (0, 2)),
}


def _values(machine: LabMachine) -> dict[str, tuple[int, ...]]:
    paths = {name: [f"/proc/sys/net/ipv4/conf/{name}/{key}" for key in KEYS] for name in NAMES}
    return {name: tuple(map(int, machine.run("cat", *paths[name]).stdout.split())) for name in NAMES}


def _apply(machine: LabMachine, files: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    for name in NAMES:
        for key in KEYS:
            machine.run("sh", "-c", f"echo 0 > /proc/sys/net/ipv4/conf/{name}/{key}")
    machine.install(File(path=path, content=text.encode()) for path, text in files.items())
    machine.run(SYSCTL, "--prefix=/net")
    return _values(machine)


def _settings(files: Mapping[str, str]) -> tuple[Setting, ...]:
    return tuple(setting for path in merge_order(files) for setting in read_sysctl(path, files[path]).settings)


def test_verify_sees_what_systemd_sysctl_makes_of_files() -> None:
    written = {case: {f"{OWN}{name}": text for name, text in files.items()} for case, files in KNOWN.items()}
    with boot_wired(dict.fromkeys(KNOWN, tuple(Nic(name=card) for card in CARDS))) as machines:
        found = {case: _apply(machines[case], files) for case, files in written.items()}
    seen = {case: apply_settings(_settings(files), CARDS, ()) for case, files in written.items()}

    assert found == {
        case: {name: tuple(one.values[name][key] for key in KEYS) for name in NAMES} for case, one in seen.items()
    }
    assert [case for case, one in seen.items() if one.unknown] == []


def test_verify_says_what_it_does_not_know_of_a_setting() -> None:
    seen = {case: apply_settings(_settings({f"{OWN}a.conf": text}), CARDS, ()) for case, text in UNKNOWN.items()}

    assert [case for case, one in seen.items() if not one.unknown] == []


def test_files_are_read_before_the_systems_own_and_behind_it() -> None:
    with boot_wired(dict.fromkeys(BESIDE_THE_SYSTEMS, tuple(Nic(name=card) for card in CARDS))) as machines:
        found = {
            case: _apply(machines[case], {f"{SYSTEMS}{SYSTEM_FILES[system]}": SYSTEM_SYSCTLS[system], OWN + name: text})
            for case, (system, name, text, _) in BESIDE_THE_SYSTEMS.items()
        }
    seen = {
        case: apply_settings(among_the_systems(system, _settings({OWN + name: text}), []), CARDS, ())
        for case, (system, name, text, _) in BESIDE_THE_SYSTEMS.items()
    }
    wanted = {case: one[3] for case, one in BESIDE_THE_SYSTEMS.items()}

    assert {case: (values["eth0"][1], values["eth0"][0]) for case, values in found.items()} == wanted
    assert {
        case: (one.value("eth0", "forwarding"), one.value("eth0", "rp_filter")) for case, one in seen.items()
    } == wanted


def test_a_file_that_hides_the_systems_own_is_named() -> None:
    unknown: list[Unknown] = []

    among_the_systems(EL9, _settings({f"{OWN}50-redhat.conf": f"{CONF}eth0.rp_filter=1\n"}), unknown)

    assert [str(one) for one in unknown] == [f"{OWN}50-redhat.conf:1: hides the file of that name that rocky9 has"]
