"""The command line: no logic, only wiring, exit codes and printing."""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwright import __version__
from netwright.commands.group import NetwrightGroup, refuse_repeated_input

if TYPE_CHECKING:
    from netwright.write import Comparison

FINE, DIFFERENT, BAD_INPUT = 0, 1, 2


@click.group(cls=NetwrightGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="netwright %(version)s")
def netwright() -> None:
    """Write the network configuration of every machine of a cluster from one topology file.

    \b
    netwright init            start a topology.yaml
    netwright generate        write out/ from it
    netwright diff            what a change of the topology would change in out/
    netwright check           in CI: is out/ what the topology says?
    netwright verify          prove from out/ that every flow works

    TOPOLOGY may be - for standard input; files that it names are then looked for in the current directory.

    Exit status: 0 fine or nothing differs, 1 something differs, 2 bad input or usage, 70 an internal error, 130
    interrupted.
    """


Command = Callable[..., None]


def _topology_argument(command: Command) -> Command:
    return click.argument("topology", default="topology.yaml", type=click.Path(readable=False))(command)


def _out_option(command: Command) -> Command:
    path = click.Path(readable=False)  # our own message names what can't be read
    return click.option("-o", "--out", default="out", show_default=True, type=path, help="The directory.")(command)


def _format_option(*formats: str) -> Callable[[Command], Command]:
    return click.option(
        "--format", "format_", type=click.Choice(formats), default=formats[0], show_default=True, help="How to print."
    )


def _quiet_option(command: Command) -> Command:
    return click.option("-q", "--quiet", is_flag=True, help="Print errors only.")(command)


@netwright.command()
@_topology_argument
@_out_option
@click.option("--force", is_flag=True, help="Overwrite files in OUT that were edited by hand or are not ours.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, write nothing.")
@click.option("--in-place", is_flag=True, help="Rename file by file where OUT cannot be exchanged as a whole.")
@_format_option("text", "json")
@_quiet_option
def generate(topology: str, out: str, *, force: bool, dry_run: bool, in_place: bool, format_: str, quiet: bool) -> None:
    """Write OUT from TOPOLOGY.

    Only what changed is written, and all of it at once: an interrupted run leaves the old OUT. Files that netwright
    wrote and no longer wants are removed; files that were edited are not overwritten without --force.

    \b
    Example:
      netwright generate && git diff --stat out/
    """
    from netwright.commands.preparation import prepare_visibly  # noqa: PLC0415
    from netwright.commands.printing import print_findings, print_json, print_text  # noqa: PLC0415
    from netwright.commands.summary import outcome_json, outcome_text  # noqa: PLC0415
    from netwright.parallel.progress import progress_bar  # noqa: PLC0415
    from netwright.write import Outcome  # noqa: PLC0415
    from netwright.write import generate as write  # noqa: PLC0415

    production, report = prepare_visibly(topology, quiet=quiet or format_ == "json")
    if production is not None and production.speaks_of_k3s():
        from netwright.verify_input.k3s import report_contradictions  # noqa: PLC0415

        report += report_contradictions(production)
    if production is None or report.errors:
        outcome = Outcome(report=report, nodes=0)
        if production is not None:
            production.close()
    else:
        with (
            closing(production),
            progress_bar(len(production.nodes), quiet=quiet or format_ == "json") as advance,
        ):
            outcome = write(
                Path(out),
                production.nodes,
                production.build,
                fingerprint=production.fingerprint,
                force=force,
                dry_run=dry_run,
                in_place=in_place,
                progress=advance,
            )
        report += outcome.report
    if format_ == "json":
        print_json(outcome_json(outcome, report, dry_run=dry_run))
    else:
        print_findings(report, quiet=quiet)
        if not quiet and not report.errors:
            print_text(outcome_text(outcome, out, report.warnings, dry_run=dry_run))
    sys.exit(BAD_INPUT if report.errors else FINE)


@netwright.command()
@_topology_argument
@_format_option("text", "json")
@_quiet_option
@click.option("--against", metavar="FILE", type=click.Path(readable=False), help="Output of kubectl get nodes -o json.")
def validate(topology: str, *, format_: str, quiet: bool, against: str | None) -> None:
    """Check TOPOLOGY alone, without looking at OUT.

    With --against, nodes whose pod network or address is another one in the running cluster are errors; FILE (- for
    standard input) is what kubectl get nodes -o json prints.

    \b
    Examples:
      netwright validate topology.yaml --format json
      netwright validate --against nodes.json
    """
    from netwright.commands.preparation import prepare_visibly  # noqa: PLC0415
    from netwright.commands.printing import print_findings, print_json, print_text  # noqa: PLC0415
    from netwright.commands.summary import validation_text  # noqa: PLC0415
    from netwright.text.report import render_json  # noqa: PLC0415

    if against is not None:
        refuse_repeated_input(topology, against)
    production, report = prepare_visibly(topology, quiet=quiet or format_ == "json")
    if production is not None and production.speaks_of_k3s():
        from netwright.verify_input.k3s import report_contradictions  # noqa: PLC0415

        report += report_contradictions(production)
    if production is not None and against is not None:
        from netwright.importing import report_differences  # noqa: PLC0415

        report += report_differences(production, against)
    if format_ == "json":
        print_json(render_json(report))
    else:
        print_findings(report, quiet=quiet)
    if production is not None:
        production.close()
        if not quiet and format_ == "text" and not report.errors:
            print_text(validation_text(production.source.name, len(production.nodes), report.warnings))
    sys.exit(BAD_INPUT if report.errors else FINE)


def _compare(topology: str, out: str, *, quiet: bool, keep_bytes: bool = False) -> "Comparison":
    """Comparison of OUT with the topology; its report holds the findings on the topology as well."""
    from netwright.commands.preparation import prepare_visibly  # noqa: PLC0415
    from netwright.parallel.progress import progress_bar  # noqa: PLC0415
    from netwright.write import Comparison, compare  # noqa: PLC0415

    production, report = prepare_visibly(topology, quiet=quiet)
    if production is None:
        return Comparison(title=out, exists=True, report=report, nodes=0, files=0)
    with closing(production), progress_bar(len(production.nodes), quiet=quiet) as advance:
        comparison = compare(
            Path(out),
            production.nodes,
            production.build,
            fingerprint=production.fingerprint,
            keep_bytes=keep_bytes,
            progress=advance,
        )
    return replace(comparison, report=report + comparison.report)


def _exit_status(comparison: "Comparison") -> int:
    return BAD_INPUT if comparison.report.errors else DIFFERENT if comparison.differs else FINE


@netwright.command()
@_topology_argument
@_out_option
@_format_option("text", "json")
@_quiet_option
def check(topology: str, out: str, *, format_: str, quiet: bool) -> None:
    """Say whether OUT is exactly what generate would write; for CI.

    \b
    Example:
      netwright check || { echo "run netwright generate and commit out/"; exit 1; }
    """
    from netwright.commands.printing import print_findings, print_json, print_text  # noqa: PLC0415
    from netwright.commands.summary import comparison_json, comparison_text  # noqa: PLC0415

    comparison = _compare(topology, out, quiet=quiet or format_ == "json")
    if format_ == "json":
        print_json(comparison_json(comparison))
    else:
        print_findings(comparison.report + comparison.findings, quiet=quiet)
        if not comparison.report.errors and not quiet:
            print_text(comparison_text(comparison, out))
    sys.exit(_exit_status(comparison))


@netwright.command()
@_topology_argument
@_out_option
@_format_option("text", "markdown", "json")
@_quiet_option
def diff(topology: str, out: str, *, format_: str, quiet: bool) -> None:
    """Show what generate would change in OUT, node by node.

    \b
    Example:
      netwright diff --format markdown > comment.md
    """
    from netwright.commands.printing import print_findings, print_json, print_text  # noqa: PLC0415
    from netwright.commands.summary import diff_json  # noqa: PLC0415
    from netwright.text.report import has_colours  # noqa: PLC0415
    from netwright.write import render_diff_markdown, render_diff_text  # noqa: PLC0415

    comparison = _compare(topology, out, quiet=quiet or format_ == "json", keep_bytes=True)
    if format_ == "json":
        print_json(diff_json(comparison))
        sys.exit(_exit_status(comparison))
    print_findings(comparison.report, quiet=quiet)
    if not comparison.report.errors and not quiet:
        if format_ == "markdown":
            print_text(render_diff_markdown(comparison))
        else:
            print_text(render_diff_text(comparison, colour=has_colours(sys.stdout)))
    sys.exit(_exit_status(comparison))


@netwright.command()
def schema() -> None:
    """Print the JSON Schema of topology.yaml.

    Editors and other validators take it; `netwright init` puts it beside the topology.

    \b
    Example:
      netwright schema > topology.schema.json
    """
    from netwright.commands.printing import print_text  # noqa: PLC0415
    from netwright.schema.topology_schema import published_schema  # noqa: PLC0415

    print_text(published_schema())


@netwright.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands and options.

    \b
    Example:
      netwright completion bash > ~/.local/share/bash-completion/completions/netwright
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    from netwright.commands.printing import print_text  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    print_text(kind(netwright, {}, "netwright", "_NETWRIGHT_COMPLETE").source() + "\n")
