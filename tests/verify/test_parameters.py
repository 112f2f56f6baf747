"""What a system's own kernel parameters come to before any file of ours."""

import pytest

from gen.model import OPERATING_SYSTEMS, Family
from gen.verify.parameters import SYSTEM_SYSCTLS, apply_settings, system_settings
from gen.verify.readers.sysctl import read_sysctl

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
