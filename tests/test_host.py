"""The host's own settings are masked: each is planted here, in a mount namespace, and neither felt nor seen by a judge.

`PLANTED` and `HOSTILE` are the list of what is masked. The judges' rigs run beside it, with their own assertions.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netwright.lab.machine import boot
from tests.host import HANDLERS, KEPT, KEPT_PREFIXES, SET
from tests.netwright import PROJECT

FAILING = "#!/bin/sh\necho hostile >&2\nexit 1\n"
PLANTED = {
    # other network managers, and what would write resolv.conf
    "/usr/sbin/netplan": FAILING,
    "/etc/netplan/50-hostile.yaml": "network: {version: 2, ethernets: {eth0: {dhcp4: true}}}\n",
    "/usr/sbin/ifup": FAILING,
    "/usr/sbin/ifdown": FAILING,
    "/usr/sbin/ifquery": FAILING,
    "/etc/network/interfaces": "iface eth0 inet dhcp\n",
    "/usr/sbin/resolvconf": FAILING,
    "/etc/resolvconf.conf": "name_servers=192.0.2.1\n",
    "/etc/resolv.conf": "nameserver 192.0.2.1\n",
    "/etc/systemd/network/00-hostile.network": "[Match]\nName=*\n[Network]\nDHCP=yes\n",
    "/usr/lib/systemd/network/00-hostile.network": "[Match]\nName=*\n[Network]\nDHCP=yes\n",
    "/usr/local/lib/systemd/network/00-hostile.network": "[Match]\nName=*\n[Network]\nDHCP=yes\n",
    "/usr/local/lib/systemd/system/netwright-nftables.service.d/hostile.conf": "[Service]\nHostile=yes\n",
    "/etc/NetworkManager/conf.d/99-hostile.conf": "[main]\nplugins=ifupdown\n",
    "/usr/lib/NetworkManager/conf.d/99-hostile.conf": "[keyfile]\nunmanaged-devices=*\n",
    "/etc/NetworkManager/system-connections/hostile.nmconnection": "[connection]\nid=hostile\ntype=ethernet\n",
    "/usr/lib/NetworkManager/system-connections/hostile.nmconnection": "[connection]\nid=hostile\ntype=ethernet\n",
    "/usr/lib/NetworkManager/dispatcher.d/99-hostile": FAILING,
    # firewalls and kernel parameters
    "/etc/firewalld/firewalld.conf": "DefaultZone=drop\n",
    "/etc/firewalld/zones/public.xml": "<zone target='DROP'/>\n",
    "/etc/nftables.conf": "flush ruleset\n",
    "/etc/sysctl.d/99-hostile.conf": "net.ipv4.ip_forward = 7\n",
    "/usr/lib/sysctl.d/99-hostile.conf": "net.ipv4.conf.all.rp_filter = 1\n",
    "/usr/local/lib/sysctl.d/99-hostile.conf": "net.ipv4.conf.all.rp_filter = 1\n",
    # cloud-init's own settings and seeds, services of the message bus, Docker, libvirt
    "/etc/cloud/cloud.cfg.d/99-hostile.cfg": "network: {config: disabled}\n",
    "/etc/cloud/ds-identify.cfg": "policy: disabled\n",
    "/etc/cloud/cloud-init.disabled": "",
    "/var/lib/cloud/seed/nocloud/user-data": "#cloud-config\nhostname: hostile\n",
    "/usr/share/dbus-1/system-services/org.hostile.service": "[D-BUS Service]\nName=org.hostile\nExec=/bin/false\n",
    "/etc/docker/daemon.json": '{"iptables": "hostile"}\n',
    "/etc/libvirt/qemu/networks/autostart/hostile.xml": "<network/>\n",
    # names, accounts, git
    "/etc/hosts": "192.0.2.1 localhost\n",
    "/etc/gitconfig": "[core]\n\tautocrlf = true\n[commit]\n\tgpgsign = true\n[init]\n\tdefaultBranch = hostile\n",
}
"""Files of the host. Programs stand in /usr/sbin; the rest must not be there on a machine of ours."""

HOSTILE = {
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "de_DE.UTF-8",
    "LANGUAGE": "de",
    "TZ": "Pacific/Kiritimati",
    "HOME": "/etc/hostile-home",
    "XDG_CONFIG_HOME": "/etc/hostile-home",
    "XDG_CACHE_HOME": "/etc/hostile-home/.cache",
    "GIT_DIR": "/nowhere",
    "GIT_INDEX_FILE": "/nowhere",
    "GIT_AUTHOR_DATE": "yesterday",
    "COLUMNS": "20",
    "FORCE_COLOR": "1",
    "NO_COLOR": "1",
    "TERM": "hostile",
    "PAGER": "false",
    "CDPATH": "/etc",
    "SYSTEMD_LOG_LEVEL": "debug",
    "G_DEBUG": "fatal-warnings",
    "MAKEFLAGS": "--hostile",
}
"""Variables of whoever calls pytest."""

LAYERS = ("/etc", "/usr/sbin", "/usr/lib", "/usr/local", "/usr/share", "/var/lib")
# Layers over these folders take what is planted, and go with the namespace.
_PLANT = f"""
set -eu
umask 022
mount -t tmpfs tmpfs /mnt
for folder in {" ".join(LAYERS)}; do
    layer=/mnt$folder
    mkdir -p "$layer.new" "$layer.work"
    mount -t overlay -o "lowerdir=$folder,upperdir=$layer.new,workdir=$layer.work" overlay "$folder"
done
cd "$0"
find . -type f | while read -r file; do
    mode=$(stat -c %a "$file")
    install -D -m "$mode" "$file" "/$file"
done
cd "$OLDPWD"
umask 077
trap '' HUP INT QUIT TERM
exec "$@"
"""
RIGS = ("cloudinit", "networkd", "networkmanager", "network_scripts", "sysctl", "units", "libvirt", "nftables")
_PLANTED_HERE = "PYTEST_PLANTED"


def test_the_process_has_an_environment_home_umask_and_signals_of_its_own() -> None:
    umask = os.umask(0o022)

    foreign = [name for name in os.environ if not name.startswith(KEPT_PREFIXES)]
    assert {*foreign} <= {*KEPT, *SET, "HOME"}
    assert os.environ.items() >= SET.items()
    # What netwright keeps, and what programs do that other tests have run.
    assert {*os.listdir(os.environ["HOME"])} <= {".cache", ".config"}
    assert umask == 0o022
    assert time.tzname == ("UTC", "UTC")
    assert signal.SIG_IGN not in map(signal.getsignal, HANDLERS)


def test_a_machine_has_no_file_of_the_host() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for namespaces")
    files = [path for path in PLANTED if not path.startswith("/usr/sbin/")]
    missing = [path for path in PLANTED if not Path(path).exists()]

    with boot("node") as (machine,):
        assert [path for path in files if machine.read(path) is not None] == []
    assert not (missing and _PLANTED_HERE in os.environ)


def test_no_setting_of_the_host_reaches_a_judge(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for a mount namespace")
    for path, text in {**PLANTED, "/etc/hostile-home/.gitconfig": "[core]\n\thooksPath = /nowhere\n"}.items():
        assert path.startswith(tuple(f"{layer}/" for layer in LAYERS))
        place = tmp_path / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755 if text == FAILING else 0o644)
    tests = [f"tests/judges/rigs/test_{rig}.py" for rig in RIGS]
    tests += ["tests/judges/test_units.py::test_systemd_finds_nothing_to_say", "tests/test_host.py"]
    pytests = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "-k", "not reaches_a_judge", *tests]

    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", _PLANT, str(tmp_path), *pytests],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], _PLANTED_HERE: "yes", "TMPDIR": "/tmp", **HOSTILE},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
