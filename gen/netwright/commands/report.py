"""The command `netwright report`."""

import sys

import click
from msgspec.structs import replace

from netwright.commands.options import BAD_INPUT, DIFFERENT, FINE, quiet_option, topology_argument
from netwright.commands.printing import print_lines, print_text
from netwright.commands.verify_request import (
    MOST_ROWS,
    MatrixRequest,
    Refusal,
    check_out,
    check_picture,
    read_request,
)
from netwright.commands.verify_work import Work, begin, save_page
from netwright.compare.change import Compared
from netwright.compare.revision import Past
from netwright.matrix.matrix import Matrix, measure
from netwright.parallel.progress import progress_bar
from netwright.report.both import ShownPair, pair_ways
from netwright.report.contents import Contents, gather
from netwright.report.page import render_page
from netwright.text.report import printable
from netwright.topology.resolved import ResolvedTopology
from netwright.verify.network_model.network import Network
from netwright.verify_input.parties import NamedParty, group_parties, node_parties

_MOST_NODES = 60
"""Most rows of the matrix of nodes; of more only networks, groups and pods are shown."""


@click.command()
@topology_argument
@click.option("--out", default="out", show_default=True, type=click.Path(readable=False), help="The directory.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(readable=False), help="Where to write; else stdout.")
@click.option("--against", metavar="REV|DIR/", help="Also show what differs from a git revision, or another OUT.")
@click.option(
    "--matrix-traffic", metavar="TRAFFIC", help="Traffic of the matrix: icmp (default), tcp/PORT or udp/PORT."
)
@click.option("--no-repair", is_flag=True, help="Don't search for changes of TOPOLOGY that repair a failed flow.")
@quiet_option
def report(
    topology: str,
    *,
    out: str,
    output: str | None,
    against: str | None,
    matrix_traffic: str | None,
    no_repair: bool,
    quiet: bool,
) -> None:
    """Write one page to look at: the network, every flow hop by hop, who reaches whom, findings with their repairs.

    It is a single file of HTML that loads nothing: send it, attach it to a CI run, print it. All of it is proved from
    the files in OUT, as `netwright verify` does it.

    \b
    Examples:
      netwright generate && netwright report -o report.html
      netwright report --matrix-traffic tcp/443 -o report.html

    Exit status: 0 every flow is proved and there is no error, 1 not so (the page is written all the same), 2 bad input.
    """
    wanted = read_request(wanted=True, traffic=matrix_traffic, by=None, picture=None, format_="text", against=against)
    path = None if output == "-" else output
    with begin(topology, out, quiet=quiet) as work:
        try:
            check_out(out, work.production.nodes)
            if path is not None:
                check_picture(path)
            contents = _gather(work, against, wanted, repair=not no_repair)
            page = render_page(contents)
            if path is not None:
                save_page(path, page)
        except Refusal as refusal:
            work.stage("")
            print_lines(f"{refusal}\n", to_stderr=True)
            sys.exit(BAD_INPUT)
    if path is None:
        print_text(page)
    elif not quiet:
        print_lines(f"{printable(path)}: {contents.headline}\n")
    sys.exit(FINE if contents.proved else DIFFERENT)


def _gather(work: Work, against: str | None, wanted: MatrixRequest | None, *, repair: bool) -> Contents:
    """Return all that the page shows."""
    forms = work.read()
    pairs: dict[str, tuple[ShownPair, ...]] = {}
    before: list[ResolvedTopology | None] = []

    def behold(compared: Compared) -> None:
        work.stage("comparing ways")
        pairs.update(pair_ways(compared, work.out))

    def note(past: Past) -> None:
        before.append(past.resolved)

    watched = replace(work, follow=note, behold=behold)
    judgement = work.add_drift(watched.judge_forms(forms, against, None, repair=repair))
    matrices, left_out = _measure(work, wanted, forms[0]) if wanted is not None else ((), "")
    work.stage("writing the page")
    was = before[0] if before else None
    return gather(work.production, judgement, forms[0], matrices, left_out, pairs=pairs, was=was)


def _measure(work: Work, wanted: MatrixRequest, network: Network) -> tuple[tuple[tuple[str, Matrix], ...], str]:
    """Return the matrices under their headings, and what is left out."""
    work.stage("measuring who reaches whom")
    groups, nodes = group_parties(work.production.resolved), node_parties(work.production.resolved)
    shown: list[tuple[str, tuple[NamedParty, ...]]] = []
    notes = []
    for heading, parties, most in (
        ("Networks, groups and pods", groups, MOST_ROWS),
        ("Node by node", nodes, _MOST_NODES),
    ):
        if len(parties) <= most:
            shown.append((heading, parties))
        else:
            notes.append(f"{heading}: {len(parties)} rows are more than the {most} that this page has at most")
    with progress_bar(sum(len(one) ** 2 for _, one in shown), quiet=work.quiet, what="cells") as advance:
        matrices = tuple((heading, measure(network, one, wanted.traffic, advance)) for heading, one in shown)
    more = f"; netwright verify --matrix-by node --matrix-out nodes.svg draws up to {MOST_ROWS}" if notes else ""
    return matrices, "; ".join(notes) + more + ("." if notes else "")
