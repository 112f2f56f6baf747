"""Rocky's ifcfg and route files, read as the legacy network scripts read them: sourced by a shell, `ip route add`."""

import re
from collections.abc import Mapping

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine, boot
from tests.rigs.kernel import Kernel, read_kernel
from tests.rigs.wires import Node, boot_wired

FOLDER = "/etc/sysconfig/network-scripts"

# The form that the legacy scripts and NetworkManager read alike; `proto static` would lose the line in the latter.
_ROUTE_LINE = re.compile(
    r"(?:[\d.]+/\d+(?: via [\d.]+)? dev [A-Za-z0-9_.-]+(?: onlink)?"
    r"|(?:blackhole|unreachable|prohibit|throw) [\d.]+/\d+)"
    r" metric \d+"
    r"(?: table \d+)?(?: src [\d.]+)?(?: mtu \d+)?(?: advmss \d+)?"
)
_ASSIGNMENT = re.compile(r"""(?P<key>[A-Z][A-Z0-9_]*)=(?P<quote>["']?)(?P<value>[^"'\\`$]*)(?P=quote)""")


class UnsafeLineError(Exception):
    """A line that some reader of these files understands differently from the others."""


def apply_network_scripts(nodes: Mapping[str, Node]) -> dict[str, Kernel]:
    """Return what the kernel holds once each card's ifcfg and route file were read.

    Raises UnsafeLineError for a line that isn't in the form that every reader understands, ProgramFailedError for a
    value that the kernel refuses. A card without an ifcfg stays down and its route file unread.
    """
    with boot_wired({name: node.nics for name, node in nodes.items()}) as machines:
        for name, node in nodes.items():
            configure(machines[name], node)
        return {name: read_kernel(machine) for name, machine in machines.items()}


def source_ifcfg(ifcfg: bytes) -> dict[str, str]:
    """The variables that a shell has after sourcing the file, its own left out.

    Raises UnsafeLineError if the shell complained, started a program or another shell, or read a value differently
    from a reader that only knows lines of KEY=VALUE with an optional pair of quotes.
    """
    with boot("node") as (machine,):
        machine.install([NodeFile(path=f"{FOLDER}/ifcfg-eth0", content=ifcfg)])
        return _source(machine, f"{FOLDER}/ifcfg-eth0")


def route_lines(route_file: bytes) -> tuple[str, ...]:
    """The lines that are not comments; raises UnsafeLineError for one that some reader would drop or misread."""
    text = route_file.decode()
    if text and not text.endswith("\n"):
        raise UnsafeLineError(f"the last line does not end: {text.splitlines()[-1]!r}")
    lines = tuple(line for line in text.split("\n") if line and not line.startswith("#"))
    for line in lines:
        if not _ROUTE_LINE.fullmatch(line):
            raise UnsafeLineError(repr(line))
    return lines


def configure(machine: LabMachine, node: Node) -> None:
    """Reads the node's files on the machine, as the legacy network service does once at boot."""
    machine.install(file for file in node.files if file.path.startswith(f"{FOLDER}/"))
    for nic in node.nics:
        _configure_card(machine, nic.name)


def _configure_card(machine: LabMachine, nic: str) -> None:
    """As ifup-eth does: the addresses, then the default gateway, the routes line by line, and NM's rules."""
    ifcfg = f"{FOLDER}/ifcfg-{nic}"
    if machine.read(ifcfg) is None:
        return
    values = _source(machine, ifcfg)
    if values.get("DEVICE", nic) != nic or values.get("BOOTPROTO") != "none" or values.get("ONBOOT") != "yes":
        return
    mac = (machine.read(f"/sys/class/net/{nic}/address") or b"").decode().strip()
    if values.get("HWADDR", mac).lower() != mac:
        return
    commands = [f"link set dev {nic} {'mtu ' + values['MTU'] if 'MTU' in values else ''} up"]
    for key in sorted(values, key=_by_number):
        if match := re.fullmatch(r"IPADDR(\d*)", key):
            prefix = values.get(f"PREFIX{match[1]}")
            if prefix is None:
                raise UnsafeLineError(f"{key} without a PREFIX{match[1]}: readers guess different lengths")
            commands.append(f"address add {values[key]}/{prefix} dev {nic}")
    if "GATEWAY" in values:
        metric = f"metric {values['METRIC']}" if "METRIC" in values else ""
        commands.append(f"route add default via {values['GATEWAY']} dev {nic} {metric}")
    commands += [f"route add {line}" for line in route_lines(machine.read(f"{FOLDER}/route-{nic}") or b"")]
    rules = sorted((key for key in values if key.startswith("ROUTING_RULE_")), key=_by_number)
    commands += [f"rule add {values[key]}" for key in rules]
    for command in commands:
        machine.run("ip", *command.split())


def _by_number(key: str) -> tuple[str, int]:
    name = key.rstrip("0123456789")
    return name, int(key[len(name) :] or "0")


def _source(machine: LabMachine, path: str) -> dict[str, str]:
    shell = ("/usr/bin/env", "-i", "HOME=/root", "/bin/sh", "-u", "-c")
    trace = ("strace", "--follow-forks", "--quiet=all", "--trace=execve,fork,vfork,clone,clone3", "--output=/run/trace")
    own = _variables(machine.run(*shell, "set").stdout)
    done = machine.run(*trace, *shell, f". {path}; set", check=False)
    started = (machine.read("/run/trace") or b"").decode().splitlines()
    if done.returncode or done.stderr or len(started) != 2:  # env, and the shell itself
        raise UnsafeLineError("\n".join([done.stderr, *started]))
    sourced = {key: value for key, value in _variables(done.stdout).items() if own.get(key) != value}
    written = _assignments((machine.read(path) or b"").decode())
    if sourced != written:
        raise UnsafeLineError(f"a shell reads {sourced}, others {written}")
    return sourced


def _variables(shown: str) -> dict[str, str]:
    """Return the variables that dash's `set` prints: NAME='VALUE', a quote inside as '"'"'."""
    pairs = re.findall(r"^([A-Za-z_][A-Za-z0-9_]*)=('(?:[^']|'\"'\"')*')$", shown, re.MULTILINE)
    return {name: value[1:-1].replace("'\"'\"'", "'") for name, value in pairs if name != "PPID"}


def _assignments(text: str) -> dict[str, str]:
    """The file as a reader sees it that is no shell, and knows one optional pair of quotes."""
    lines = (line for line in text.split("\n") if line and not line.startswith("#"))
    matches = [(line, _ASSIGNMENT.fullmatch(line)) for line in lines]
    wrong = [line for line, match in matches if match is None]
    if wrong:
        raise UnsafeLineError(repr(wrong))
    return {match["key"]: match["value"] for _, match in matches if match is not None}
