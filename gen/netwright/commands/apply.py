"""The command `netwright apply`."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import click
from msgspec import Struct
from msgspec.structs import replace

from netwright.apply.calling import Lines
from netwright.apply.checking import Checker
from netwright.apply.comparing import FilesToChange, WantedFiles, compare_files, wanted_files
from netwright.apply.flows import FlowProof
from netwright.apply.journal import Journal, digest_of_out, journal_path, read_journal, write_journal
from netwright.apply.planning import Prospect, find_prospect
from netwright.apply.printing import prospect_object, render_closing, render_json, render_prospect
from netwright.apply.running import Result
from netwright.apply.script import look_script
from netwright.apply.steps import apply_change, outcomes, run_steps
from netwright.commands.applying import changing_options, find_lines, look_at_all, may_go_on, tell
from netwright.commands.collecting import SshChoice, choose_nodes, choose_ssh, reaching_options
from netwright.commands.comparing import compare_production
from netwright.commands.ending import ended_by_signals
from netwright.commands.options import BAD_INPUT, DIFFERENT, FINE, format_option, out_option
from netwright.commands.preparation import prepare_visibly
from netwright.commands.printing import fail, print_findings, print_json, print_lines
from netwright.compare.revision import Past, RevisionError, open_past
from netwright.production.production import Production
from netwright.rollout.mixing import Transition
from netwright.text.counting import count, list_some
from netwright.text.report import printable
from netwright.verify_input.wiring import state_flows
from netwright.write import DifferenceKind

_MOST = 6


class Request(Struct, frozen=True, kw_only=True):
    """What was asked for, and how machines are reached."""

    topology: str
    out: Path
    nodes: tuple[str, ...]
    against: str | None
    yes: bool
    seconds: int
    at_once: int
    is_text: bool
    ssh: SshChoice


@click.command()
@click.argument("names", nargs=-1, metavar="[NODE]...")
@click.option("-t", "--topology", default="topology.yaml", show_default=True, type=click.Path(readable=False))
@out_option
@click.option("--against", metavar="REV|DIR/", help="The OUT that machines come from, where they do not know it.")
@click.option("--resume", is_flag=True, help="Go on with the machines that the last apply left.")
@changing_options
@format_option("text", "json")
@reaching_options
def apply(
    names: tuple[str, ...],
    *,
    topology: str,
    out: str,
    against: str | None,
    resume: bool,
    yes: bool,
    seconds: int,
    parallel: int,
    format_: str,
    ssh_config: str | None,
    ssh_more: tuple[str, ...],
) -> None:
    """Bring machines (all, or each NODE) to what OUT has, over ssh.

    Each changes wholly or not at all: it undoes the change itself unless that is
    confirmed over a new connection. The plan is shown first, then it asks.

    \b
    Examples:
      netwright apply
      netwright apply worker1 worker2 --yes --confirm-within 60

    Exit status: 0 all have what OUT has, 1 not all, 2 bad input.
    """
    if against == "":
        raise click.UsageError("--against names nothing; name a directory or a git revision")
    if resume and (names or against is not None):
        raise click.UsageError("--resume goes on with the nodes and the state of the last apply; name neither")
    production, report = prepare_visibly(topology, quiet=format_ == "json")
    print_findings(report, quiet=True)
    if production is None:
        sys.exit(BAD_INPUT)
    request = Request(
        topology=topology,
        out=Path(out),
        nodes=(),
        against=against,
        yes=yes,
        seconds=seconds,
        at_once=parallel,
        is_text=format_ == "text",
        ssh=choose_ssh(ssh_config, ssh_more, parallel),
    )
    with closing(production), ended_by_signals():
        _check_out(production, request)
        request = _resumed(production, request) if resume else _chosen(production, request, names)
        with _past(request) as past:
            status = _apply(production, request, past)
    sys.exit(status)


def _check_out(production: Production, request: Request) -> None:
    """Exit where OUT is not what the topology generates."""
    comparison = compare_production(production, request.out, quiet=not request.is_text)
    print_findings(comparison.report, quiet=True)
    if comparison.report.errors:
        sys.exit(BAD_INPUT)
    found = [one for one in comparison.differences if one.kind is not DifferenceKind.FOREIGN]
    if found:
        files = f"{count(len(found), 'file')} of {request.out} differ from what {request.topology} generates"
        fail(f"{files} ({found[0].path}); run netwright generate, and review what it changes")


def _chosen(production: Production, request: Request, names: Sequence[str]) -> Request:
    nodes = choose_nodes(production, names, "")
    for node in nodes:
        if not production.resolved.nodes[node].is_managed:
            fail(f"{node}: a person configures it, by {request.out}/{node}/handoff.md")
    return replace(request, nodes=nodes)


def _resumed(production: Production, request: Request) -> Request:
    """The request as the last apply left it; exit where there is none of this OUT."""
    journal = read_journal(journal_path(request.out))
    if journal is None:
        fail(f"no apply of {request.out} is unfinished; run netwright apply without --resume")
    gone = [node for node in journal.nodes if node not in production.resolved.nodes]
    if gone or journal.digest != digest_of_out(request.out, journal.nodes):
        fail(f"{request.out} has changed since that apply; run netwright apply without --resume")
    return replace(request, nodes=journal.left, against=journal.against)


@contextmanager
def _past(request: Request) -> Iterator[Past]:
    """The state that machines come from; exit where it can't be read."""
    if request.against is None:
        yield Past(out=request.out, resolved=None, topology=None, flows_unknown=False)
        return
    try:
        with open_past(request.against, str(request.out), request.topology) as past:
            yield past
    except RevisionError as error:
        print_lines(f"{printable(request.against)}: error: {printable(str(error))}\n", to_stderr=True)
        sys.exit(BAD_INPUT)


def _apply(production: Production, request: Request, past: Past) -> int:
    earlier = past.out if request.against is not None else None
    wanted = {node: wanted_files(production, request.out, node, earlier) for node in request.nodes}
    lines = find_lines(production, request.nodes, request.ssh)
    scripts = {node: look_script(one.asked()) for node, one in wanted.items()}
    looks = look_at_all(lines, scripts, quiet=not request.is_text)
    compared = {node: (wanted[node], compare_files(wanted[node], look)) for node, look in looks.found.items()}
    problems = {**looks.problems, **{node: one.problem for node, (_, one) in compared.items() if one.problem}}
    if problems:
        return _refuse(request, problems)
    with find_prospect(production, request.out, past.out, compared, past.resolved) as prospect:
        return _carry_out(request, prospect, compared, partial(_checker, production, request, lines))


def _checker(
    production: Production, request: Request, lines: Lines, prospect: Prospect, transition: Transition
) -> Checker:
    """What looks at machines, and has looked at all that were asked for."""
    flows, steps = state_flows(production.resolved), prospect.rollout.steps or ()
    checker = Checker(
        production=production,
        earlier=prospect.earlier,
        out=request.out,
        lines=lines,
        flows=FlowProof(transition, flows, steps),
    )
    checker.begin(request.nodes)
    return checker


def _work(prospect: Prospect, checker: Checker, seconds: int, node: str) -> Result:
    return apply_change(prospect.changes[node], checker, checker.lines, seconds)


def _refuse(request: Request, problems: Mapping[str, str]) -> int:
    """Tell what is the matter with machines; none is changed then."""
    for node, problem in problems.items():
        print_lines(f"{printable(node)}: {printable(problem)}\n", to_stderr=True)
    if request.is_text:
        names = list_some([*problems], _MOST)
        print_lines(f"Nothing was applied, because of {names}; name the nodes to change to leave others out.\n")
    else:
        results = {node: Result(node=node, outcome="untouched", why=why) for node, why in problems.items()}
        found = {**outcomes(request.nodes, results)}
        print_json(render_json({"version": 1, "plan": None, "left": [], "remarks": {}}, found, results))
    return DIFFERENT


def _carry_out(
    request: Request,
    prospect: Prospect,
    compared: Mapping[str, tuple[WantedFiles, FilesToChange]],
    look: Callable[[Prospect, Transition], Checker],
) -> int:
    remarks = {node: one.remarks for node, (_, one) in compared.items()}
    nodes = tuple(prospect.changes)
    if request.is_text:
        print_lines(render_prospect(prospect, remarks))
    results: dict[str, Result] = {}
    transition = prospect.transition
    if transition is not None and may_go_on("Apply it?", yes=request.yes, is_text=request.is_text):
        keep = partial(_keep, request, {node: "applied" for node in request.nodes if node not in nodes})
        steps = [step.nodes for step in prospect.rollout.steps or ()]
        work = partial(_work, prospect, look(prospect, transition), request.seconds)
        results = tell(run_steps(steps, work, request.at_once), is_text=request.is_text, keep=keep)
    found = outcomes(nodes, results)
    if not request.is_text:
        print_json(render_json(prospect_object(prospect, remarks), found, results))
    elif results:
        print_lines(render_closing(found, " netwright apply --resume goes on."))
    elif nodes:
        print_lines("\nNothing was applied; --yes applies it.\n")
    return FINE if all(outcome == "applied" for outcome in found.values()) else DIFFERENT


def _keep(request: Request, done: dict[str, str], result: Result) -> None:
    """Note a result in the journal, by which the apply is resumed."""
    done[result.node] = result.outcome
    journal = Journal(
        version=1,
        digest=digest_of_out(request.out, request.nodes),
        nodes=request.nodes,
        against=request.against,
        outcomes=dict(done),
    )
    path = journal_path(request.out)
    try:
        write_journal(path, journal)
    except OSError as error:
        reason = f"can't be written: {error.strerror}; --resume will not know of this"
        print_lines(f"{printable(str(path))}: warning: {reason}\n", to_stderr=True)
