"""The command `netwright verify`."""

import sys
from collections.abc import Callable, Mapping

import click
from msgspec.structs import replace

from netwright.commands.change_comment import Consequences, find_consequences, render_comment
from netwright.commands.completing import complete_flow
from netwright.commands.options import out_option, topology_argument
from netwright.commands.printing import has_colours, print_commands, print_json, print_lines, print_text
from netwright.commands.verify_request import MatrixRequest, Refusal, read_request
from netwright.commands.verify_work import Work, begin
from netwright.compare.revision import Past
from netwright.verdict_formats.github import render_github
from netwright.verdict_formats.judgement import Judgement
from netwright.verdict_formats.junit import render_junit
from netwright.verdict_formats.markdown import render_markdown
from netwright.verdict_formats.plain import render_object, render_plain
from netwright.verdict_formats.sarif import render_sarif

FORMATS: Mapping[str, Callable[[Judgement], str]] = {
    "text": render_plain,
    "json": render_object,
    "junit": render_junit,
    "sarif": render_sarif,
    "markdown": render_markdown,
    "github": render_github,
}

PRINTERS = {"text": print_lines, "json": print_json, "sarif": print_json, "github": print_commands}


@click.command()
@topology_argument
@out_option
@click.option(
    "--flow",
    "names",
    metavar="NAME",
    shell_complete=complete_flow,
    multiple=True,
    help="Prove this flow only; may be given again.",
)
@click.option("--format", "format_", type=click.Choice([*FORMATS]), default="text", show_default=True)
@click.option("--live", metavar="DIR", help="Prove what machines have now, by their records DIR/NODE.facts.")
@click.option("--against", metavar="REV|DIR/", help="Also show what differs from a git revision, or another OUT.")
@click.option("--assumptions", is_flag=True, help="List the assumptions, also where all is proved.")
@click.option("--matrix", is_flag=True, help="Also show who reaches whom: networks, groups, pods, internet.")
@click.option("--matrix-traffic", metavar="TRAFFIC", help="Traffic to test: icmp (default), tcp/PORT or udp/PORT.")
@click.option("--matrix-by", type=click.Choice(["group", "node"]), help="A row for each group, or for each node.")
@click.option("--matrix-out", metavar="FILE", type=click.Path(), help="Draw it as a heat map, FILE.svg.")
@click.option("--no-repair", is_flag=True, help="Don't search for changes of TOPOLOGY that repair a failed flow.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors in the input; the exit status tells.")
def verify(
    topology: str,
    out: str,
    *,
    names: tuple[str, ...],
    format_: str,
    live: str | None,
    against: str | None,
    assumptions: bool,
    matrix: bool,
    matrix_traffic: str | None,
    matrix_by: str | None,
    matrix_out: str | None,
    no_repair: bool,
    quiet: bool,
) -> None:
    """Prove from the files in OUT that every flow of TOPOLOGY works, both ways, or show where it does not.

    Only the files count: what the machines would read is walked as the kernel forwards packets. The flows, and
    who is connected to whom, come from TOPOLOGY. With --live what machines have now counts in place of their files, by
    records that the script of `netwright collect` has printed there.

    \b
    Examples:
      netwright generate && netwright verify
      netwright verify --format markdown > comment.md
      netwright verify --matrix-out reach.svg --matrix-traffic tcp/443

    Exit status: 0 every flow is proved and there is no error, 1 not so, 2 bad input.
    """
    wanted = read_request(
        wanted=matrix,
        traffic=matrix_traffic,
        by=matrix_by,
        picture=matrix_out,
        format_=format_,
        against=against,
        live=live,
    )
    consequences: list[Consequences | None] = []
    with begin(topology, out, names, quiet=quiet, live=live) as begun:
        work = begun
        if format_ == "markdown" and against is not None and live is None and not quiet:
            work = replace(work, follow=lambda past: consequences.append(_consequences(work, past, against)))
        judgement = _judge(work, against, wanted, repair=not no_repair)
    if consequences:
        print_text(render_comment(judgement, consequences[0]))
    elif not quiet:
        _print(replace(judgement, lists_assumptions=assumptions), format_)
    sys.exit(0 if judgement.verification.proved else 1)


def _consequences(work: Work, past: Past, state: str) -> Consequences | None:
    work.stage("planning")
    return find_consequences(work.production, past, state, work.out, quiet=work.quiet)


def _judge(work: Work, against: str | None, wanted: MatrixRequest | None, *, repair: bool) -> Judgement:
    """Return the judgement; exit where what it is compared with can't be read."""
    try:
        judgement = work.judge(against, wanted, repair=repair and not work.quiet)
        if work.quiet:
            return judgement
        return work.add_drift(judgement)
    except Refusal as refusal:
        work.stage("")
        print_lines(f"{refusal}\n", to_stderr=True)
        sys.exit(2)


def _print(judgement: Judgement, format_: str) -> None:
    if format_ == "text" and has_colours(sys.stdout):
        text = render_plain(judgement, colour=True)
    else:
        text = FORMATS[format_](judgement)
    PRINTERS.get(format_, print_text)(text)
