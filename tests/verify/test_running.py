"""Conditions for something to run, and on which boot: each rule in the smallest delivery that shows it."""

import json

from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.ignition import read_ignition
from netwright.verify.reading.harmless_keys import is_harmless
from netwright.verify.reading.running.paths import normalise
from netwright.verify.reading.running.programme import Order, Programme, UnitLink
from netwright.verify.reading.running.programme_run import judge_programme
from netwright.verify.values.boots import Boot

_UNITS = "/etc/systemd/system/"
_RULES = "/etc/nftables/x.nft"
_LOADS = f"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/nft -f {_RULES}\n"
_INSTALL = "[Install]\nWantedBy=multi-user.target\n"
_HARM = "[Service]\nExecStart=/sbin/ip link set eth0 down\n"


def _units(**texts: str) -> tuple[tuple[str, str, bool], ...]:
    return tuple((f"{_UNITS}{name.replace('_', '.')}", text, False) for name, text in texts.items())


def _whens(programme: Programme) -> list[str]:
    return [complaint.when for complaint in judge_programme(programme).complaints]


def test_a_unit_without_install_loads_its_rules_on_the_first_boot_alone() -> None:
    order = Order(text="systemctl enable --now x.service")
    seed = Programme(files=_units(x_service=_LOADS), read=frozenset({_RULES}), orders=(order,), seeded=True)

    (unloaded,) = judge_programme(seed).unloaded
    assert unloaded[:2] == (_RULES, "from the second boot on")
    assert "[Install]" in unloaded[2]
    assert _whens(seed) == []


def test_a_unit_that_is_enabled_and_not_started_loads_no_rules_on_the_first_boot() -> None:
    order = Order(text="systemctl enable x.service")
    seed = Programme(files=_units(x_service=_LOADS + _INSTALL), read=frozenset({_RULES}), orders=(order,), seeded=True)

    assert judge_programme(seed).unloaded == {(_RULES, "on the first boot", "nothing starts x.service")}
    assert _whens(seed) == []


def test_a_unit_that_may_be_started_loads_no_rules_for_sure() -> None:
    order = Order(text="test -f /x && systemctl enable --now x.service")
    seed = Programme(files=_units(x_service=_LOADS + _INSTALL), read=frozenset({_RULES}), orders=(order,), seeded=True)

    assert _whens(seed) == ["on the first boot", "from the second boot on"] or _whens(seed) == [""]


def test_an_early_command_loads_rules_on_the_first_boot_alone() -> None:
    order = Order(text=f"nft -f {_RULES}", every_boot=True)

    assert _whens(Programme(read=frozenset({_RULES}), orders=(order,), seeded=True)) == ["from the second boot on"]


def _changes(*orders: str, files: tuple[tuple[str, str, bool], ...] = (), **more: object) -> list[tuple[str, str]]:
    """Return what surely changes the network, and when."""
    programme = Programme(orders=tuple(Order(text=text) for text in orders), files=files, seeded=True, **more)  # type: ignore[arg-type]
    return [(" ".join(one.words), one.when) for one in judge_programme(programme).changes]


_ROUTE = "ip route add 10.0.0.0/8 via 10.1.0.1"
_ADDED = _ROUTE.removeprefix("ip ")


def test_a_command_that_surely_runs_changes_the_network() -> None:
    first = "on the first boot"

    assert _changes(_ROUTE) == [(_ADDED, first)]
    assert _changes(f"if true; then {_ROUTE}; fi") == []
    assert _changes(f"true && {_ROUTE}") == []
    assert _changes("exit 0", _ROUTE) == []
    assert _changes(f"test -f /x && exit 0; {_ROUTE}") == []
    assert _changes("test -f /x && exit 0", _ROUTE) == []
    assert _changes("set -e", _ROUTE) == []
    assert _changes("exec > /var/log/x", _ROUTE) == [(_ADDED, first)]
    assert _changes(f"trap '{_ROUTE}' EXIT") == []
    assert _changes(f"su -c '{_ROUTE}' x") == []
    assert _changes(f"sh -c '{_ROUTE}'") == [(_ADDED, first)]
    assert _changes(f"sh -ec '{_ROUTE}'") == []


def test_sudo_surely_runs_what_root_may() -> None:
    first = "on the first boot"
    users = (("users", '[{"name": "x", "sudo": "ALL=(ALL) NOPASSWD:ALL"}]'),)

    assert _changes(f"sudo {_ROUTE}") == [(_ADDED, first)]
    assert _changes(f"sudo -n {_ROUTE}", sections=users) == [(_ADDED, first)]
    assert _changes(f"sudo -u x {_ROUTE}") == []
    assert _changes("echo x > /etc/sudoers.d/x", f"sudo {_ROUTE}") == []
    assert _changes(f"sudo {_ROUTE}", files=(("/etc/sudoers.d/x", "x\n", False),)) == []
    assert _changes(f"sudo {_ROUTE}", sections=(("users", users[0][1].replace("ALL=", "")),)) == []
    assert _changes(f"sudo {_ROUTE}", files=(("/usr/local/bin/ip", "#!/bin/sh\n", True),)) == []


def test_a_script_that_surely_runs_changes_the_network() -> None:
    def script(head: str) -> tuple[tuple[str, str, bool], ...]:
        return (("/opt/x.sh", f"{head}\n{_ROUTE}\n", True),)

    assert _changes("/opt/x.sh", files=script("#!/bin/sh")) == [(_ADDED, "on the first boot")]
    assert _changes("/opt/x.sh", files=script("#!/bin/sh -e")) == []
    assert _changes(files=script("#!/bin/sh")) == []


def test_what_may_be_undone_does_not_last() -> None:
    assert _changes(_ROUTE, "nmcli connection up eth0") == []
    assert _changes("nmcli connection up eth0", _ROUTE) != []
    assert _changes("sysctl -w net.ipv4.ip_forward=1", "sysctl --system") == []
    assert _changes("nft add rule inet t c drop", f"nft -f {_RULES}") == []
    assert _changes(f"nft -f {_RULES}", "nft add rule inet t c drop") != []


def test_changes_in_an_order_that_is_not_known_are_not_certain() -> None:
    online = "[Unit]\nWants=network-online.target\nAfter=network-online.target\n"
    unit = f"{online}[Service]\nType=oneshot\nExecStart=/usr/sbin/{_ROUTE}\n"

    assert _changes("systemctl start x.service", files=_units(x_service=unit)) == [(_ADDED, "on the first boot")]
    assert (
        _changes("systemctl start x.service", "ip route add default via 10.1.0.1", files=_units(x_service=unit)) == []
    )
    assert _changes("systemctl start x.service", files=_units(x_service=unit.replace(online, ""))) == []
    hasty = unit.replace("After=network-online.target\n", "")
    assert _changes("systemctl start x.service", files=_units(x_service=hasty)) == []


def test_rc_local_changes_what_does_not_wait_for_cards() -> None:
    def changes(command: str, *, executable: bool = True) -> list[tuple[str, str]]:
        return _changes(files=(("/etc/rc.d/rc.local", f"#!/bin/sh\n{command}\n", executable),))

    later = "from the second boot on"
    assert changes("sysctl -w net.ipv4.ip_forward=1") == [("net.ipv4.ip_forward=1", later)]
    assert changes("sysctl -w net.ipv4.conf.all.rp_filter=1") == []
    assert changes("nft add rule inet t c drop") == [("add rule inet t c drop", later)]
    assert changes(_ROUTE) == []
    assert changes("nft add rule inet t c drop", executable=False) == []


def test_a_condition_may_keep_rules_from_being_loaded() -> None:
    unit = f"[Unit]\nConditionPathExists=/x\n{_LOADS}{_INSTALL}"
    programme = Programme(files=_units(x_service=unit), read=frozenset({_RULES}), enabled=frozenset({"x.service"}))

    assert _whens(programme) == [""]


def test_a_unit_that_ends_at_once_takes_its_rules_away() -> None:
    unit = _LOADS.replace("RemainAfterExit=yes\n", "ExecStop=/usr/sbin/nft delete table inet x\n") + _INSTALL
    programme = Programme(files=_units(x_service=unit), read=frozenset({_RULES}), enabled=frozenset({"x.service"}))

    assert any("ExecStop=" in complaint.reason for complaint in judge_programme(programme).complaints)


def test_a_timer_starts_the_unit_of_its_name() -> None:
    timer = f"[Timer]\nOnBootSec=1\n{_INSTALL}"

    assert _whens(Programme(files=_units(x_timer=timer, x_service=_HARM), enabled=frozenset({"x.timer"}))) == [""]


def test_a_link_of_wants_starts_a_unit_without_install() -> None:
    link = UnitLink(path=f"{_UNITS}multi-user.target.wants/x.service", target=f"{_UNITS}x.service")

    assert _whens(Programme(files=_units(x_service=_HARM), links=(link,))) == [""]


def test_enabling_starts_no_unit_without_install() -> None:
    assert _whens(Programme(files=_units(x_service=_HARM), enabled=frozenset({"x.service"}))) == []


def test_a_unit_in_the_place_of_a_systems_one_starts() -> None:
    assert _whens(Programme(files=_units(sshd_service=_HARM))) == [""]


def test_rc_local_that_cloud_init_writes_runs_later() -> None:
    script = ("/etc/rc.d/rc.local", "#!/bin/sh\nip link set eth0 down\n", True)

    assert _whens(Programme(files=(script,), seeded=True)) == ["from the second boot on"]
    assert _whens(Programme(files=(script,))) == [""]


def test_kernel_parameters_that_nothing_applies_hold_from_the_second_boot_on() -> None:
    path = "/etc/sysctl.d/90-x.conf"
    text = Text(path=path, shown=path, text="net.ipv4.ip_forward = 1\n", mode=0o644)
    delivery = Delivery(
        node="n",
        files={path: text},
        enabled=frozenset(),
        libvirt=(),
        handoff=None,
        unknown=(),
        carrier="n/cloud-init/user-data",
    )

    read = read_configuration(delivery)

    assert [len(read.on(boot).settings) for boot in (Boot.FIRST, Boot.LATER)] == [0, 1]
    assert read.unknown == ()


def test_a_command_of_every_boot_is_none_of_the_first_alone() -> None:
    harm = "ip link set eth0 down"

    assert _whens(Programme(orders=(Order(text=harm, every_boot=True),), seeded=True)) == [""]
    assert _whens(Programme(orders=(Order(text=harm),), seeded=True)) == ["on the first boot"]


def test_a_program_that_is_not_on_the_list_is_not_known() -> None:
    complaints = judge_programme(Programme(orders=(Order(text="strange-tool"),))).complaints

    assert [one.reason for one in complaints] == ["a command that is not known to leave the network alone"]


def test_a_delivered_program_goes_before_the_systems() -> None:
    program = ("/usr/local/bin/ls", "#!/bin/sh\nip link set eth0 down\n", False)

    complaints = judge_programme(Programme(files=(program,), orders=(Order(text="ls"),))).complaints

    assert [(one.path, one.line) for one in complaints] == [("/usr/local/bin/ls", 2)]


def test_a_redirection_is_judged_by_its_path() -> None:
    assert _whens(Programme(orders=(Order(text="echo 0 > /proc/sys/net/ipv4/ip_forward"),)))
    assert not _whens(Programme(orders=(Order(text="echo 0 > /srv/x"),)))


def test_a_substitution_is_a_command() -> None:
    assert _whens(Programme(orders=(Order(text='echo "$(ip link set eth0 down)"'),)))


def test_a_relative_path_counts_from_where_the_shell_stands() -> None:
    assert _whens(Programme(orders=(Order(text="cd /etc/cron.d && echo x > y"),)))
    assert _whens(Programme(orders=(Order(text="cd /etc/cron.d; echo x > y"),)))
    assert not _whens(Programme(orders=(Order(text="cd /srv; echo x > y"),)))


def test_networkd_may_read_what_leads_to_its_files() -> None:
    folder = {"path": "/etc/systemd", "mode": 0o750}
    document = json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"directories": [folder]}}, indent=1)

    assert [(one.origin.line, one.text) for one in read_ignition("n.ign", document).unknown] == [(8, "/etc/systemd")]
    assert read_ignition("n.ign", document.replace(f"{0o750}", f"{0o755}")).unknown == []
    line = ("/etc/tmpfiles.d/x.conf", "d /etc/systemd/network 0700 root root - -\n", False)
    assert _whens(Programme(files=(line,))) == [""]


def test_paths_have_one_spelling() -> None:
    spellings = ("/etc/./cron.d/x", "//etc//cron.d/x", "/etc/sysctl.d/../cron.d/x", "/etc/cron.d/x")

    assert {normalise(path) for path in spellings} == {"/etc/cron.d/x"}
    assert normalise("/lib/udev/rules.d/x") == "/usr/lib/udev/rules.d/x"
    assert normalise("/etc/rc.local") == "/etc/rc.d/rc.local"


def test_a_key_of_the_network_is_harmless_only_if_it_is_listed_with_its_value() -> None:
    neighbours = ("net", "ipv4", "neigh", "eth0", "mcast_solicit")

    assert [is_harmless(neighbours, value) for value in ("0", "3")] == [False, True]
    assert not is_harmless(("net", "core", "no_such_key"), "1")
    assert is_harmless(("vm", "swappiness"), "1")


def _reasons(*files: tuple[str, str, bool]) -> list[str]:
    """Return what is complained of where the units among the files are enabled."""
    names = (path.removeprefix(_UNITS) for path, *_ in files)
    enabled = frozenset(name for name in names if name.endswith((".service", ".mount")))
    return [one.reason for one in judge_programme(Programme(files=files, enabled=enabled)).complaints]


def _service(*lines: str, name: str = "x.service") -> tuple[str, str, bool]:
    return f"{_UNITS}{name}", "\n".join(("[Service]", "ExecStart=/usr/bin/true", *lines, _INSTALL)), False


def test_a_setting_keeps_programs_from_the_network() -> None:
    deny = "IPAddressDeny=any"

    assert _reasons((f"{_UNITS}system.slice.d/x.conf", f"[Slice]\n{deny}\n", False)) == [
        "IPAddressDeny= keeps programs from the network"
    ]
    assert _reasons((f"{_UNITS}k3s.service.d/x.conf", f"[Service]\n{deny}\n", False)) != []
    assert _reasons((f"{_UNITS}system.slice.d/x.conf", "[Slice]\nIPAddressDeny=\n", False)) == []
    assert _reasons(_service(deny)) == []


def test_a_setting_of_every_service_takes_rights_from_programs() -> None:
    assert _reasons((f"{_UNITS}service.d/x.conf", "[Service]\nProtectKernelTunables=yes\n", False)) == [
        "ProtectKernelTunables= takes rights that services may need for the network"
    ]
    assert _reasons((f"{_UNITS}service.d/x.conf", "[Service]\nProtectKernelTunables=no\n", False)) == []
    assert _reasons(_service("ProtectKernelTunables=yes")) == []


def test_an_alias_takes_the_place_of_another_unit() -> None:
    assert _reasons(_service("[Install]", "Alias=systemd-networkd.service")) != []
    assert _reasons(_service("[Install]", "Alias=y.service")) == []
    assert _reasons(_service("Alias=systemd-networkd.service")) == []


def test_the_network_does_not_start_where_what_it_requires_fails() -> None:
    required = "RequiredBy=systemd-networkd.service"

    assert _reasons(_service("[Install]", required)) != []
    assert _reasons(_service("[Install]", "RequiredBy=multi-user.target")) == []
    mount = (f"{_UNITS}srv.mount", f"[Mount]\nWhat=/dev/vdb\nWhere=/srv\n[Install]\n{required}\n", False)
    assert _reasons(mount) == []


def test_an_id_that_is_delivered_gives_devices_equal_hardware_addresses() -> None:
    def reasons(text: str) -> list[str]:
        return _reasons(("/etc/machine-id", text, False))

    assert reasons("0123456789abcdef0123456789abcdef\n") != []
    assert reasons("uninitialized\n") == []
    assert reasons("") == []


def test_an_idle_machine_may_be_switched_off() -> None:
    def reasons(value: str) -> list[str]:
        return _reasons(("/etc/systemd/logind.conf.d/x.conf", f"[Login]\nIdleAction={value}\n", False))

    assert reasons("poweroff") == ["the machine is switched off while it is idle"]
    assert reasons("lock") == []


def test_a_program_may_be_found_in_the_place_of_the_systems() -> None:
    def reasons(path: str) -> list[str]:
        return _reasons((path, "#!/bin/sh\ntrue\n", True))

    assert reasons("/opt/bin/iptables") == [
        "programs that call the system's program of that name may find this one",
    ]
    assert reasons("/opt/bin/backup") == []
    assert reasons("/srv/bin/iptables") == []


def _ignition_reasons(version: str = "3.3.0", **document: object) -> list[str]:
    text = json.dumps({"ignition": {"version": version}, **document})
    return [unknown.reason for unknown in read_ignition("n/n.ign", text).unknown]


def test_ignition_takes_the_versions_that_it_knows() -> None:
    assert _ignition_reasons("3.3.0") == []
    assert any("Flatcar's Ignition is known to take: 3.6.0" in reason for reason in _ignition_reasons("3.6.0"))


def test_an_account_that_is_removed_is_who_a_daemon_runs_as() -> None:
    def reasons(**user: object) -> list[str]:
        return _ignition_reasons(passwd={"users": [{"name": "systemd-network", **user}]})

    assert reasons(shouldExist=False) != []
    assert reasons(shouldExist=True) == []
    assert reasons() == []


def test_a_file_on_what_nothing_mounts_is_not_found() -> None:
    filesystems = [{"device": "/dev/vdb", "path": "/var/lib/data", "format": "ext4"}]

    def reasons(path: str, *units: dict[str, object]) -> list[str]:
        storage = {"filesystems": filesystems, "files": [{"path": path, "contents": {"source": "data:,x"}}]}
        return _ignition_reasons(storage=storage, systemd={"units": [*units]})

    assert any("nothing mounts /var/lib/data" in reason for reason in reasons("/var/lib/data/x"))
    assert reasons("/var/lib/x") == []
    mount: dict[str, object] = {
        "name": "var-lib-data.mount",
        "contents": "[Mount]\nWhat=/dev/vdb\nWhere=/var/lib/data\n",
    }
    assert reasons("/var/lib/data/x", mount) == []
