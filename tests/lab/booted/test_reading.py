"""Readers of the lab of machines that boot: crontabs, libvirt's XML, ifcfg files, Ignition configs."""

import ast
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from netwright.lab import LabError
from netwright.lab.booted import base, delivery, ifcfg, needs
from netwright.lab.booted.libvirt import bridge_lines, read_networks, ruleset
from netwright.lab.booted.scheduled import read_crontab
from netwright.lab.booted.sheet import follow_sheet
from netwright.lab.namespaces import ENVIRONMENT, Namespaces
from netwright.verify.values.wiring import Port, Segment, StatedCard, Wiring
from tests.lab.running import lab

CRONTAB = """\
# a comment
PATH="/sbin:/bin"
@reboot root /bin/early
*/5 * * * * root echo 100\\% > /tmp/a%input
@daily nobody run this
broken line
"""


def test_crontab_is_done_but_for_what_cron_does_at_its_start() -> None:
    jobs = [*read_crontab("/etc/cron.d/x", CRONTAB, None)]

    assert [job.name for job in jobs] == ["/etc/cron.d/x:4", "/etc/cron.d/x:5"]
    assert jobs[0].command[-3:] == ("root", "-c", "env PATH=/sbin:/bin sh -c 'echo 100% > /tmp/a'")
    assert jobs[1].command[-3:] == ("nobody", "-c", "env PATH=/sbin:/bin sh -c 'run this'")


def test_crontab_of_a_user_names_none() -> None:
    (job,) = read_crontab("/var/spool/cron/me", "1 2 3 4 5 work hard\n", "me")

    assert job.command[-3:] == ("me", "-c", "env sh -c 'work hard'")


IFCFG = """\
# Written by netwright; edit the topology instead.
DEVICE=eth0
NAME=eth0
UUID=b2371264-793c-5f1f-9513-646fcc75bf31
TYPE=Ethernet
ONBOOT=yes
AUTOCONNECT_PRIORITY=1
HWADDR=52:54:00:00:00:01
MTU=1400
BOOTPROTO=none
IPADDR=10.1.0.2
PREFIX=24
IPADDR1=10.1.0.3
PREFIX1=32
GATEWAY=10.1.0.1
IPV4_ROUTE_METRIC=100
DNS1=10.1.0.53
DOMAIN=example.org
ROUTING_RULE_0="priority 100 from 10.1.0.3 table 100"
IPV6INIT=no
"""
ROUTES = """\
# Written by netwright; edit the topology instead.
10.2.0.0/24 via 10.9.0.1 dev eth0 onlink metric 100 table 100 src 10.1.0.3 mtu 1300
blackhole 10.3.0.0/16 metric 100
"""
KEYFILE = """\
[connection]
type=ethernet
id=eth0
uuid=b2371264-793c-5f1f-9513-646fcc75bf31
interface-name=eth0
autoconnect-priority=1

[ethernet]
mac-address=52:54:00:00:00:01
mtu=1400

[ipv4]
method=manual
address1=10.1.0.2/24
address2=10.1.0.3/32
gateway=10.1.0.1
route-metric=100
dns=10.1.0.53;
dns-search=example.org;
route1=10.2.0.0/24,10.9.0.1,100
route1_options=onlink=true,table=100,src=10.1.0.3,mtu=1300
route2=10.3.0.0/16,0.0.0.0,100
route2_options=type=blackhole
routing-rule1=priority 100 from 10.1.0.3 table 100

[ipv6]
method=disabled
"""


def test_ifcfg_file_becomes_a_keyfile() -> None:
    assert ifcfg.connection(ifcfg.read_variables(IFCFG), ROUTES) == KEYFILE


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        ("DEVICE=eth0\nSLAVE=yes\n", ""),
        ("DEVICE=eth0\nTYPE=Bond\n", ""),
        ("DEVICE=eth0\nIPADDR=10.1.0.2\n", ""),
        ("DEVICE=eth0\nIPADDR=10.1.0.300\nPREFIX=24\n", ""),
        ("DEVICE=eth0\nexport A=b\n", ""),
        ("DEVICE=eth0\n", "10.2.0.0/24 via 10.1.0.1 proto static\n"),
        ("DEVICE=eth0\n", "10.2.0.0/24 via\n"),
    ],
)
def test_ifcfg_file_that_is_not_understood_gives_nothing(text: str, routes: str) -> None:
    with pytest.raises((ifcfg.NotKnownError, ValueError)):
        ifcfg.connection(ifcfg.read_variables(text), routes)


XML = """\
<network>
  <name>n2</name>
  <bridge name="virbr2"/>
  <forward mode="{mode}"/>
  <ip address="10.2.0.1" prefix="24"/>
  <route address="10.42.1.0" prefix="24" gateway="10.2.0.21"/>
</network>
"""


def test_libvirt_network_is_a_bridge_with_its_routes(tmp_path: Path) -> None:
    (tmp_path / "kvm/libvirt").mkdir(parents=True)
    (tmp_path / "kvm/libvirt/n2.xml").write_text(XML.format(mode="open"))

    networks = read_networks(tmp_path, "kvm")

    assert [*bridge_lines(networks[0])] == [
        "link set virbr2 up",
        "address add 10.2.0.1/24 dev virbr2",
        "route append 10.42.1.0/24 via 10.2.0.21 metric 1 dev virbr2",
    ]
    assert ruleset(networks) == ""


@pytest.mark.parametrize("mode", ["nat", "route", "isolated"])
def test_rules_of_libvirt_are_loaded_by_nft(tmp_path: Path, mode: str) -> None:
    (tmp_path / "kvm/libvirt").mkdir(parents=True)
    (tmp_path / "kvm/libvirt/n2.xml").write_text(XML.format(mode=mode))
    text = ruleset(read_networks(tmp_path, "kvm"))

    done = subprocess.run(["unshare", "-rn", "nft", "-f", "-"], input=text, text=True, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert ("masquerade" in text, 'oifname "virbr2" reject' in text) == (mode == "nat", True)


def test_libvirt_network_that_is_no_xml_is_named(tmp_path: Path) -> None:
    (tmp_path / "kvm/libvirt").mkdir(parents=True)
    (tmp_path / "kvm/libvirt/n2.xml").write_text("<network>")

    with pytest.raises(LabError, match=r"n2\.xml: libvirt would not define this"):
        read_networks(tmp_path, "kvm")


def test_remote_file_is_left_out_and_named() -> None:
    files = [
        {"path": "/a", "contents": {"source": "data:,a"}},
        {"path": "/b", "contents": {"source": "https://example.org/b"}},
        {"path": "/c"},
    ]
    config = json.dumps({"storage": {"files": files}}).encode()

    left, said = delivery.without_remote(config)

    assert [file["path"] for file in json.loads(left)["storage"]["files"]] == ["/a", "/c"]
    assert said == ("/b from https://example.org/b",)


def test_delivery_through_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n1").mkdir()
    (tmp_path / "n1/n1.ign").symlink_to("/etc/passwd")

    with pytest.raises(LabError, match=r"n1\.ign is a symbolic link"):
        delivery.read_delivery(tmp_path, "n1")


def test_cache_that_others_may_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared))

    with pytest.raises(LabError, match=f"{shared} is not root's alone.* set XDG_CACHE_HOME"):
        base.own_cache()


def test_what_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "PATH", "/nowhere")

    said = needs.missing(debian=True, ignition=False)

    assert said is not None
    assert "systemd-nspawn" in said
    assert "install debootstrap, systemd, systemd-container, util-linux" in said


def test_debian_is_not_needed_beside_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "PATH", "/nowhere")

    assert "debootstrap" not in str(needs.missing(debian=False, ignition=False))


def test_too_many_machines_for_the_kernel_are_refused() -> None:
    with pytest.raises(LabError, match=r"100000 machines need about 600000 .* fs\.inotify\.max_user_instances=1200000"):
        needs.check_room(100_000)


def test_cards_of_a_driver_that_no_card_here_has_are_refused() -> None:
    def refused(**stated: str | bool) -> bool:
        port = Port(node="n", interface="ens3", card=StatedCard(**stated))  # type: ignore[arg-type]
        try:
            needs.check_cards(Wiring(nodes=("n",), segments=(Segment(name="s", ports=(port,)),)))
        except LabError as error:
            return "n's card ens3 is found by" in str(error)
        return False

    assert refused(driver="virtio_net")
    assert refused(path="pci-*")
    assert not refused(name="en*")
    assert not refused(driver="virtio_net", renamed=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--image", "rocky9=/"), "add --boot"),
        (("--boot", "--keep"), "leave out --boot or --keep"),
        (("--boot", "--image", "rocky9"), "write it as OS=DIR"),
        (("--boot", "--image", "solaris=/"), "no node has os: solaris; there are flatcar, rocky"),
        (("--boot", "--image", "flatcar=/nowhere"), "/nowhere is no folder"),
        (("--boot", "--image", "flatcar=/proc"), "/proc is no root file system with systemd"),
    ],
)
def test_odd_options_are_refused(arguments: tuple[str, ...], said: str) -> None:
    done = lab(*arguments)

    assert done.returncode == 2
    assert said in done.stderr


def test_stand_in_uses_nothing_but_python() -> None:
    """It runs on the machine, where there is no netwright."""
    statements = ast.walk(ast.parse(Path(ifcfg.__file__).read_text()))

    imported = {name for one in statements if isinstance(one, ast.ImportFrom) for name in [one.module or ""]}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_a_sheet_is_followed_but_for_programs_that_do_not_run() -> None:
    out = Path(__file__).parents[2] / "golden/balancers-handoff/out"
    with closing(Namespaces(["lb2"])) as spaces:
        spaces.ip("lb2", ["link add eth0 type bridge"])

        complaints = [*follow_sheet(spaces, out, "lb2", ("eth0",))]

        assert complaints == []
        assert "192.168.0.32/24" in spaces.output("lb2", ["ip", "-brief", "address"])
        assert spaces.output("lb2", ["sysctl", "-n", "net.ipv4.ip_nonlocal_bind"]).strip() == "1"
