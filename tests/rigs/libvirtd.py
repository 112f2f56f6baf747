"""The real libvirtd, making a KVM host's networks: what the kernel and dnsmasq have once they are started."""

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from netwright.lab.machine import File, LabMachine, boot, poll
from netwright.lab.networkmanager import message_bus
from tests.rigs.kernel import Kernel, read_kernel

_SOCKET = "/run/libvirt/libvirt-sock"
TOOL = ("virsh", "-c", "network:///system")
_USERS = (
    "libvirt-qemu:x:64055:64055::/:/bin/false",
    "libvirt-dnsmasq:x:117:117::/:/bin/false",
    "nobody:x:65534:65534::/:/bin/false",
)
_GROUPS = ("libvirt-qemu:x:64055:", "kvm:x:107:", "libvirt-dnsmasq:x:117:", "nogroup:x:65534:")
_IPTABLES = ("iptables", "ip6tables", "iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore")
_PROGRAM = "/usr/sbin/xtables-nft-multi"


class Started(Struct, frozen=True, kw_only=True):
    """Result of starting networks: `refused` are libvirt's words for those that it did not define or start.

    `rules` are iptables' own words for libvirt's chains, in order; `served` the lines of each network's dnsmasq.
    """

    refused: Mapping[str, str]
    kernel: Kernel
    rules: tuple[str, ...]
    served: Mapping[str, tuple[str, ...]]


def start_networks(files: Mapping[str, bytes]) -> Started:
    """Define and start the networks of XML files, by their names in libvirt."""
    with libvirtd(files) as (_, state):
        return state()


@contextlib.contextmanager
def libvirtd(files: Mapping[str, bytes]) -> Iterator[tuple[LabMachine, Callable[[], Started]]]:
    """A machine on which libvirtd has started networks, and what there is of them when it is asked."""
    with boot("kvm") as (machine,), _libvirtd(machine):
        refused = {name: words for name, text in files.items() if (words := _start(machine, name, text))}

        def read() -> Started:
            saved = machine.run("iptables-save").stdout.splitlines()
            return Started(
                refused=refused,
                kernel=read_kernel(machine),
                rules=tuple(line for line in saved if line.startswith("-A LIBVIRT_")),
                served={name: _served(machine, name) for name in files},
            )

        yield machine, read


@contextlib.contextmanager
def _libvirtd(machine: LabMachine) -> Iterator[None]:
    """libvirtd on the machine, with a message bus, the users that it knows and iptables, until the block ends."""
    _append(machine, "/etc/passwd", _USERS)
    _append(machine, "/etc/group", _GROUPS)
    machine.run("mkdir", "-p", "/etc/alternatives", "/var/lib/libvirt/dnsmasq")
    for name in _IPTABLES:
        machine.run("ln", "-s", _PROGRAM, f"/etc/alternatives/{name}")
    with message_bus(machine), machine.daemon("libvirtd"):
        poll(lambda: os.path.exists(machine.path(_SOCKET)), seconds=20)
        yield


def _append(machine: LabMachine, path: str, lines: Iterable[str]) -> None:
    machine.run("tee", "--append", path, stdin="".join(f"{line}\n" for line in lines))


def _start(machine: LabMachine, name: str, text: bytes) -> str:
    file = f"/etc/libvirt/{name}.xml"
    machine.install([File(path=file, content=text)])
    for words in (("net-define", file), ("net-start", name)):
        done = machine.run(*TOOL, *words, check=False)
        if done.returncode != 0:
            return done.stderr.strip()
    return ""


def _served(machine: LabMachine, name: str) -> tuple[str, ...]:
    """The leases and names that a network's dnsmasq is told of; none if it has no dnsmasq."""
    folder = "/var/lib/libvirt/dnsmasq"
    texts = [(machine.read(f"{folder}/{name}.{end}") or b"").decode() for end in ("conf", "hostsfile", "addnhosts")]
    lines = [line.rstrip() for text in texts for line in text.splitlines()]
    return tuple(line for line in lines if re.match(r"dhcp-range=|domain=|port=|[0-9a-f:]{17},|[0-9.]+\s", line))
