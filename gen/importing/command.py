"""The command `netwright init`."""

import sys
from pathlib import Path

import click

from gen.command_group import refuse_repeated_input
from gen.importing import ImportFileError, draft_topology, read_cluster, read_libvirt
from gen.printing import print_findings, print_text
from gen.report import printable
from gen.schema import starter_topology
from gen.standard_input import STANDARD_INPUT
from gen.starter import write_starter


@click.command()
@click.argument("topology", default="topology.yaml", type=click.Path(readable=False))
@click.option(
    "--from-kubectl", metavar="FILE", type=click.Path(readable=False), help="Output of kubectl get nodes -o json."
)
@click.option("--from-libvirt", metavar="FILE", type=click.Path(readable=False), multiple=True, help="Network XML.")
def init(topology: str, *, from_kubectl: str | None, from_libvirt: tuple[str, ...]) -> None:
    """Write a starter TOPOLOGY, or a draft of a cluster.

    topology.schema.json is written beside it: it is what an editor explains and checks the topology by. A draft holds
    what kubectl get nodes -o json and virsh net-dumpxml say, and marks what nobody could know. With - as TOPOLOGY it is
    only printed; - as FILE is standard input.

    \b
    Examples:
      mkdir cluster && (cd cluster && netwright init && netwright generate)
      netwright init draft.yaml --from-kubectl nodes.json --from-libvirt kube02.xml
    """
    refuse_repeated_input(*filter(None, [from_kubectl]), *from_libvirt)
    draft = None
    if from_kubectl is not None or from_libvirt:
        try:
            cluster = read_cluster(from_kubectl) if from_kubectl is not None else ()
            draft = draft_topology(cluster, [read_libvirt(file) for file in from_libvirt])
        except ImportFileError as error:
            print_findings(error.report, quiet=False)
            sys.exit(2)
    if topology == STANDARD_INPUT:
        print_text(draft if draft is not None else starter_topology())
        return
    report, written = write_starter(Path(topology), draft)
    print_findings(report, quiet=False)
    print_text("".join(f"wrote {printable(str(path))}\n" for path in written))
    sys.exit(2 if report.errors else 0)
