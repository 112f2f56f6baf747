"""Check that nodes know names by the addresses that the topology gives them, and ask its servers for the time."""

from collections.abc import Iterator, Mapping, Sequence

from netwright.text.counting import list_some
from netwright.text.report import Severity
from netwright.verify.network_model.network import Network
from netwright.verify.proof.findings import Findings
from netwright.verify.reading.formats.hosts import HostLine, HostsFile
from netwright.verify.reading.formats.time_servers import CHRONY, CHRONY_CONF, TIMESYNCD
from netwright.verify.values.addresses import AddressNumber, format_ip
from netwright.verify.values.facts import Origin
from netwright.verify.values.outcome import Fault

_SHOWN = 3
_OUR_FILES = ("10-netwright.conf", CHRONY_CONF)
"""The ends of the paths of our files with time servers; in others a user may name more."""

Known = Mapping[str, frozenset[AddressNumber]]


def check_names(network: Network, findings: Findings) -> None:
    """Adds names that a node's /etc/hosts has at another address than the topology, or not at all."""
    compared: dict[tuple[tuple[tuple[HostLine, ...], ...], int], tuple[_Difference, ...]] = {}
    for node, known in network.wiring.names.items():
        files = network.hosts.get(node, ())
        key = tuple(file.lines for file in files), id(known)
        if key not in compared:
            compared[key] = tuple(_differences(key[0], known))
        for cause, place in compared[key]:
            origin = _origin(files, place) if place is not None else None
            findings.add(Fault.WRONG_NAME, cause, node, origin=origin)


_Difference = tuple[str, tuple[int, int] | None]
"""What is wrong, and the place in the files: the number of the file, and the line."""


def _differences(files: Sequence[tuple[HostLine, ...]], known: Known) -> Iterator[_Difference]:
    for number, lines in enumerate(files):
        for line in lines:
            for expected, names in _mistaken(line, known).items():
                right = " and ".join(map(format_ip, sorted(expected)))
                verb = "are" if len(names) > 1 else "is"
                cause = (
                    f"{list_some(names, _SHOWN)} {verb} {format_ip(line.ip)} in /etc/hosts, and {right} by the topology"
                )
                yield cause, (number, line.line)
    met = {name for lines in files for line in lines for name in line.names}
    lacking = [name for name in known if name not in met]
    if lacking:
        yield f"/etc/hosts lacks {list_some(lacking, _SHOWN)}, which the topology has", None


def _mistaken(line: HostLine, known: Known) -> dict[frozenset[AddressNumber], list[str]]:
    """Return the names of a line that stand for other addresses by the topology, by these."""
    found: dict[frozenset[AddressNumber], list[str]] = {}
    for name in line.names:
        expected = known.get(name)
        if expected is not None and line.ip not in expected:
            found.setdefault(expected, []).append(name)
    return found


def _origin(files: Sequence[HostsFile], place: tuple[int, int]) -> Origin:
    return Origin(file=files[place[0]].shown, line=place[1])


def check_name_servers(network: Network, findings: Findings) -> None:
    """Adds name servers that a node does not ask, or asks unlike the topology: a warning where a file of the user's
    names more."""
    for node, wanted in network.wiring.name_servers.items():
        asked = network.asking[node].names if node in network.asking else ()
        for server in wanted:
            if all(one.ip != server for one in asked):
                cause = f"no file of an interface names {format_ip(server)} as name server, as the topology has it"
                findings.add(Fault.WRONG_NAME_SERVER, cause, node)
        for one in asked:
            if one.ip not in wanted:
                cause = f"{format_ip(one.ip)} is named as name server, unlike the topology; {_CURE} dns"
                severity = Severity.ERROR if one.is_ours else Severity.WARNING
                findings.add(Fault.WRONG_NAME_SERVER, cause, node, severity=severity, origin=one.origin)


_CURE = "leave it out, or name it in"


def check_time_servers(network: Network, findings: Findings) -> None:
    """Adds servers that a node does not ask for the time, or asks unlike the topology: a warning where a file of the
    user's names more."""
    for node, wanted in network.wiring.time_servers.items():
        program = TIMESYNCD if network.wiring.systems[node] == "flatcar" else CHRONY
        times = network.asking[node].times if node in network.asking else ()
        asked = [one for one in times if one.program == program]
        for server in wanted:
            if all(one.server != server for one in asked):
                cause = f"{program} does not ask {server} for the time, as the topology has it"
                findings.add(Fault.WRONG_TIME_SERVER, cause, node)
        for one in asked:
            if one.server not in wanted:
                cause = f"{program} asks {one.server} for the time, unlike the topology; {_CURE} ntp"
                severity = Severity.ERROR if one.path.endswith(_OUR_FILES) else Severity.WARNING
                findings.add(Fault.WRONG_TIME_SERVER, cause, node, severity=severity, origin=one.origin)
