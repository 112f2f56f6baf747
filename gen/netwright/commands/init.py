"""The command `netwright init`."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from netwright.commands.options import refuse_repeated_input, topology_argument
from netwright.commands.printing import print_findings, print_text
from netwright.importing import ImportFileError, draft_topology, read_cluster, read_libvirt, read_machine, tell_left_out
from netwright.importing.machine import Source
from netwright.importing.starter import write_starter
from netwright.schema.topology_schema import starter_topology
from netwright.text.report import Severity, printable
from netwright.text.standard_input import STANDARD_INPUT

_Imported = TypeVar("_Imported")


@click.command()
@topology_argument
@click.option(
    "--from-kubectl", metavar="FILE", type=click.Path(readable=False), help="Output of kubectl get nodes -o json."
)
@click.option("--from-libvirt", metavar="FILE", type=click.Path(readable=False), multiple=True, help="Network XML.")
@click.option(
    "--from-networkd", metavar="DIR", type=click.Path(readable=False), multiple=True, help="Copy of a machine's /etc."
)
@click.option(
    "--from-networkmanager",
    metavar="DIR",
    type=click.Path(readable=False),
    multiple=True,
    help="The same.",
)
def init(
    topology: str,
    *,
    from_kubectl: str | None,
    from_libvirt: tuple[str, ...],
    from_networkd: tuple[str, ...],
    from_networkmanager: tuple[str, ...],
) -> None:
    """Write a starter TOPOLOGY, or a draft of a cluster.

    topology.schema.json is written next to it: it is what an editor explains and checks the topology by. A draft holds
    what kubectl get nodes -o json and virsh net-dumpxml show, and what systemd/network and
    NetworkManager/system-connections in copies of machines' /etc configure, with unsupported settings as comments, and
    marks what they could not know. A machine is called by /etc/hostname, else by the folder that DIR is in; a node
    of the cluster with that name gets its interfaces. A network or machine that can't be drafted is named and
    left out. With - as TOPOLOGY the draft is only printed; - as FILE is standard input.

    \b
    Examples:
      mkdir cluster && (cd cluster && netwright init && netwright generate)
      netwright init k3s.yaml --from-kubectl nodes.json --from-libvirt kube02.xml
      netwright init cluster.yaml --from-networkd worker1/etc \\
        --from-networkmanager lb1/etc
    """
    refuse_repeated_input(*filter(None, [from_kubectl]), *from_libvirt)
    folders: list[tuple[str, Source]] = [(folder, "networkd") for folder in from_networkd]
    folders += ((folder, "NetworkManager") for folder in from_networkmanager)
    drafted = from_kubectl is not None or from_libvirt or folders
    draft = _draft(topology, from_kubectl, from_libvirt, folders) if drafted else None
    if topology == STANDARD_INPUT:
        print_text(draft if draft is not None else starter_topology())
        return
    report, written = write_starter(Path(topology), draft)
    print_findings(report, quiet=False)
    print_text("".join(f"wrote {printable(str(path))}\n" for path in written))
    sys.exit(2 if report.errors else 0)


def _draft(topology: str, kubectl: str | None, libvirt: Sequence[str], folders: Sequence[tuple[str, Source]]) -> str:
    """The text of a draft; prints what is left out of it, and what can't be read. Exits if nothing can."""
    try:
        cluster = read_cluster(kubectl) if kubectl is not None else ()
    except ImportFileError as error:
        print_findings(error.tell(), quiet=False)
        sys.exit(2)
    refusals: list[ImportFileError] = []
    networks = [*_readable([partial(read_libvirt, file) for file in libvirt], refusals)]
    machines = [*_readable([partial(read_machine, folder, source) for folder, source in folders], refusals)]
    nothing = not networks and not cluster and not machines
    for refusal in refusals:
        print_findings(refusal.tell(Severity.ERROR if nothing else Severity.WARNING), quiet=False)
    if nothing:
        sys.exit(2)
    draft = draft_topology(cluster, networks, machines)
    severity = Severity.WARNING if draft.nodes else Severity.ERROR
    print_findings(tell_left_out(topology, draft.left_out, severity), quiet=False)
    if not draft.nodes:
        sys.exit(2)
    return draft.text


def _readable(readers: Iterable[Callable[[], _Imported]], refusals: list[ImportFileError]) -> Iterator[_Imported]:
    """Yield what can be read, and add why the rest can't."""
    for read in readers:
        try:
            yield read()
        except ImportFileError as error:
            refusals.append(error)
