"""The command `netwright init`."""

import sys
from pathlib import Path

import click

from netwright.commands.options import refuse_repeated_input, topology_argument
from netwright.commands.printing import print_findings, print_text
from netwright.importing import ImportFileError, draft_topology, read_cluster, read_libvirt, tell_left_out
from netwright.importing.starter import write_starter
from netwright.schema.topology_schema import starter_topology
from netwright.text.report import Severity, printable
from netwright.text.standard_input import STANDARD_INPUT


@click.command()
@topology_argument
@click.option(
    "--from-kubectl", metavar="FILE", type=click.Path(readable=False), help="Output of kubectl get nodes -o json."
)
@click.option("--from-libvirt", metavar="FILE", type=click.Path(readable=False), multiple=True, help="Network XML.")
def init(topology: str, *, from_kubectl: str | None, from_libvirt: tuple[str, ...]) -> None:
    """Write a starter TOPOLOGY, or a draft of a cluster.

    topology.schema.json is written next to it: it is what an editor explains and checks the topology by. A draft holds
    what kubectl get nodes -o json and virsh net-dumpxml show, with unsupported settings as comments, and marks
    what they could not know. A network that can't be drafted is named and left out. With - as TOPOLOGY the draft is
    only printed; - as FILE is standard input.

    \b
    Examples:
      mkdir cluster && (cd cluster && netwright init && netwright generate)
      netwright init draft.yaml --from-kubectl nodes.json --from-libvirt kube02.xml
    """
    refuse_repeated_input(*filter(None, [from_kubectl]), *from_libvirt)
    draft = _draft(topology, from_kubectl, from_libvirt) if from_kubectl is not None or from_libvirt else None
    if topology == STANDARD_INPUT:
        print_text(draft if draft is not None else starter_topology())
        return
    report, written = write_starter(Path(topology), draft)
    print_findings(report, quiet=False)
    print_text("".join(f"wrote {printable(str(path))}\n" for path in written))
    sys.exit(2 if report.errors else 0)


def _draft(topology: str, kubectl: str | None, libvirt: tuple[str, ...]) -> str:
    """The text of a draft; prints what is left out of it, and networks that can't be read. Exits if nothing can."""
    try:
        cluster = read_cluster(kubectl) if kubectl is not None else ()
    except ImportFileError as error:
        print_findings(error.tell(), quiet=False)
        sys.exit(2)
    networks, refusals = [], []
    for file in libvirt:
        try:
            networks.append(read_libvirt(file))
        except ImportFileError as error:
            refusals.append(error)
    nothing = not networks and not cluster
    for refusal in refusals:
        print_findings(refusal.tell(Severity.ERROR if nothing else Severity.WARNING), quiet=False)
    if nothing:
        sys.exit(2)
    draft = draft_topology(cluster, networks)
    print_findings(tell_left_out(topology, draft.left_out), quiet=False)
    return draft.text
