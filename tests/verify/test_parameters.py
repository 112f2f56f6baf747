"""Values of a system's own kernel parameters before any file of ours."""

import pytest

from netwright.model import OPERATING_SYSTEMS, Family
from netwright.verify.network_model.parameters import SYSTEM_SYSCTLS, apply_settings, system_settings
from netwright.verify.reading.formats.sysctl import read_sysctl
from netwright.verify.reading.harmless_keys import DANGEROUS, HARMLESS

# all, default, a card that is there at boot, one that comes later; and forwarding of the card
EL8 = (1, 0, 0, 0, 0)
EL9 = (0, 1, 1, 1, 0)
AS_INSTALLED = {
    "flatcar": (0, 0, 0, 0, 1),
    "rocky8": EL8,
    "almalinux8": EL8,
    "rocky9": EL9,
    "almalinux9": EL9,
    "rocky10": EL9,
    "almalinux10": EL9,
}


@pytest.mark.parametrize("system", AS_INSTALLED)
def test_a_system_as_installed_has_its_own_parameters(system: str) -> None:
    parameters = apply_settings(system_settings(system), ["eth0"], ["later"])

    filtering = tuple(parameters.value(name, "rp_filter") for name in ("all", "default", "eth0", "later"))
    assert (*filtering, parameters.value("eth0", "forwarding")) == AS_INSTALLED[system]
    assert parameters.unknown == []


def test_every_system_that_is_configured_has_parameters_of_its_own() -> None:
    configured = {name for name, system in OPERATING_SYSTEMS.items() if system.family is not Family.UNMANAGED}

    assert configured == SYSTEM_SYSCTLS.keys() == AS_INSTALLED.keys()


def test_a_glob_reaches_an_interface_that_comes_later_though_all_and_default_are_named() -> None:
    own = read_sysctl("own.conf", "net.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.default.rp_filter = 0\n").settings

    parameters = apply_settings((*system_settings("rocky9"), *own), ["eth0"], ["later"])

    assert [parameters.value(name, "rp_filter") for name in ("all", "default", "eth0", "later")] == [0, 0, 1, 1]


def test_a_glob_spares_an_interface_that_is_named() -> None:
    own = read_sysctl("own.conf", "net.ipv4.conf.later.rp_filter = 0\n").settings

    parameters = apply_settings((*own, *system_settings("rocky9")), ["eth0"], ["later"])

    assert parameters.value("later", "rp_filter") == 0


@pytest.mark.parametrize(
    "line",
    [
        "net.ipv4.neigh.eth0.mcast_solicit = 0",
        "net.ipv4.neigh.default.gc_thresh3 = 16",
        "net.ipv4.neigh.default.no_such_key = 1",
        "net.ipv4.icmp_echo_ignore_all = 1",
        "net.ipv4.tcp_mem = 1 1 1",
        "net.ipv4.no_such_key = 1",
        "net.core.no_such_key = 1",
        "net.core.default_qdisc = blackhole",
        "net.core.rmem_max = 0",
        "net.netfilter.nf_conntrack_max = 1",
        "net.netfilter.nf_conntrack_helper = 1",
        "net.ipv6.bindv6only = 1",
        "net.no_such_family.x = 1",
        "kernel.core_pattern = |/opt/x.sh",
        "kernel.modprobe = /opt/x.sh",
        "kernel.modules_disabled = 1",
        "user.max_net_namespaces = 0",
        "no_such_word.x = 1",
    ],
)
def test_only_a_parameter_that_is_known_to_do_no_harm_does_none(line: str) -> None:
    (unknown,) = apply_settings(read_sysctl("own.conf", line).settings, ["eth0"], []).unknown

    assert unknown.reason == "a kernel parameter whose effect is not known"


@pytest.mark.parametrize(
    "line",
    [
        "net.ipv4.neigh.default.gc_thresh3 = 8192",
        "net.ipv4.tcp_rmem = 4096 87380 6291456",
        "net.ipv4.tcp_keepalive_time = 600",
        "net.ipv4.ip_local_port_range = 1024 65535",
        "net.ipv6.conf.all.disable_ipv6 = 1",
        "net.core.somaxconn = 4096",
        "net.core.default_qdisc = fq",
        "net.netfilter.nf_conntrack_max = 131072",
        "net.ipv4.conf.all.route_localnet = 1",
        "fs.inotify.max_user_instances = 8192",
        "kernel.panic_on_oops = 1",
        "kernel.core_pattern = |/bin/false",
        "vm.overcommit_memory = 1",
        "user.max_user_namespaces = 0",
    ],
)
def test_a_parameter_that_does_no_harm_is_left_alone(line: str) -> None:
    assert apply_settings(read_sysctl("own.conf", line).settings, ["eth0"], []).unknown == []


def test_a_key_with_a_step_back_is_not_known() -> None:
    (unknown,) = read_sysctl("own.conf", "net/../net/ipv4/ip_forward = 0\n").unknown

    assert unknown.reason.startswith("a key with a step back")


def test_every_group_of_harmless_keys_has_its_reason() -> None:
    assert all(entry.reason and entry.keys for entry in (*HARMLESS, *DANGEROUS))
