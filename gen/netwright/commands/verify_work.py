"""The work behind `netwright verify`: reading, proving, comparing, measuring, each with its progress on a terminal."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netwright.commands.ending import ended_by_signals
from netwright.commands.options import BAD_INPUT
from netwright.commands.printing import print_findings
from netwright.commands.verify_request import MatrixRequest, Refusal, check_out, check_picture, choose_flows
from netwright.compare.against import compare
from netwright.compare.change import Compared, Comparison, Earlier, find_standing
from netwright.compare.drift import find_drift
from netwright.compare.revision import Past, RevisionError, open_past
from netwright.files.whole_file import write_whole
from netwright.matrix.heat_map import render_heat_map
from netwright.matrix.matrix import Matrix, measure
from netwright.parallel.progress import progress_bar, progress_stages
from netwright.production.production import Production, prepare
from netwright.repair.repair import find_repairs
from netwright.text.report import printable
from netwright.text.standard_input import input_name
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Finding, Flow
from netwright.verify.network_model.building import Delivered
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import uncollected, verify_networks
from netwright.verify.values.boots import Boot
from netwright.verify_input.delivering import Deliver, read_deliveries, reading_ahead
from netwright.verify_input.reading import absent_nodes, read_forms
from netwright.verify_input.records import RecordFault, read_records
from netwright.verify_input.wiring import state_flows


def prepare_flows(topology: str, names: Sequence[str], stage: Callable[[str], None]) -> Production:
    """Return the prepared topology; exit where it has errors, or no flow of such a name."""
    stage(f"reading {printable(input_name(topology))}")
    production, report = prepare(topology)
    if production is not None:
        report += choose_flows(production, names)
    stage("")
    print_findings(report, quiet=True)
    if production is None or report.errors:
        sys.exit(BAD_INPUT)
    return production


@contextmanager
def begin(
    topology: str, out: str, names: Sequence[str] = (), *, quiet: bool, live: str | None = None
) -> Iterator["Work"]:
    """The work on the flows of these names, or on all, with the topology read; files of OUT are read meanwhile."""
    with ended_by_signals(), reading_ahead(Path(out)) as deliver, progress_stages(quiet=quiet) as stage:
        production = prepare_flows(topology, names, stage)
        with closing(production), uncollected():
            yield Work(
                production=production,
                topology=topology,
                out=out,
                deliver=deliver,
                flows=tuple(flow for flow in state_flows(production.resolved) if not names or flow.name in names),
                quiet=quiet,
                live=live,
                stage=stage,
            )


class Work(Struct, frozen=True, kw_only=True):
    """Work of a proof: the flows of a topology from the files below `out`, got by `deliver`, and from the records in
    `live`.

    `stage` is told what is done, `follow` and `behold` get the other state while its files are there, and with it the
    comparison. Each method may raise Refusal.
    """

    production: Production
    topology: str
    out: str
    deliver: Deliver = read_deliveries
    flows: tuple[Flow, ...]
    quiet: bool
    live: str | None = None
    stage: Callable[[str], None] = lambda _what: None
    follow: Callable[[Past], None] = lambda _past: None
    behold: Callable[[Compared], None] = lambda _compared: None

    def judge(self, against: str | None, wanted: MatrixRequest | None, *, repair: bool) -> Judgement:
        """Prove everything that was asked for."""
        check_out(self.out, self.production.nodes)
        if wanted is not None:
            wanted.parties(self.production)
            if wanted.picture is not None:
                check_picture(wanted.picture)
        return self.judge_forms(self.read(), against, wanted, repair=repair)

    def judge_forms(
        self, forms: tuple[Network, ...], against: str | None, wanted: MatrixRequest | None, *, repair: bool
    ) -> Judgement:
        """Prove everything that was asked for in the forms of the network that were read."""
        self.stage("proving the flows")
        with progress_bar(len(self.flows) * len(forms), quiet=self.quiet, what="flows") as advance:
            verification = verify_networks(forms, self.flows, advance)
        judgement = Judgement(
            verification=verification,
            out=self.out,
            topology=self.production.source,
            comparison=self._compare(against, forms, verification.findings) if against is not None else None,
            matrix=self._measure(wanted, forms[0]) if wanted is not None else None,
        )
        if repair and self.live is None and not verification.all_flows_hold:
            self.stage("looking for repairs")
            judgement = replace(judgement, search=find_repairs(self.production, verification, quiet=self.quiet))
        return judgement

    def add_drift(self, judgement: Judgement) -> Judgement:
        """Return the judgement with how OUT differs from what the topology would generate now."""
        self.stage(f"comparing {printable(self.out)} with {printable(input_name(self.topology))}")
        return replace(judgement, drift=find_drift(self.production, self.out, quiet=self.quiet))

    def read(self) -> tuple[Network, ...]:
        """The forms of the network of OUT."""
        self.stage(f"reading {printable(self.out)}")
        with progress_bar(len(self.production.nodes), quiet=self.quiet, what="nodes read") as advance:

            def deliver(out: Path, nodes: Sequence[str]) -> Iterator[Delivered]:
                for delivered in self.deliver(out, nodes):
                    yield delivered
                    advance(1)

            return read_forms(Path(self.out), self.production.resolved, deliver=deliver, records=self._records())

    def _records(self) -> Mapping[str, Record]:
        """The records of machines, none where the files of all count."""
        if self.live is None:
            return {}
        try:
            return read_records(self.live, self.production.resolved)
        except RecordFault as fault:
            raise Refusal(fault.path, fault.reason) from None

    def _compare(self, against: str, forms: Sequence[Network], findings: Sequence[Finding]) -> Comparison:
        """Return the differences between OUT and another state of it."""
        self.stage(f"reading {printable(against)}")
        try:
            with open_past(against, self.out, self.topology) as past:
                resolved = past.resolved or self.production.resolved
                absent = absent_nodes(past.out, [*resolved.nodes])
                if len(absent) == len(resolved.nodes):
                    raise RevisionError(f"has no {absent[0]}, nor any other node; name a state of OUT")
                asked = state_flows(self.production.resolved)
                before = Earlier(
                    forms=_lasting(read_forms(past.out, resolved, absent)),
                    flows=state_flows(past.resolved) if past.resolved is not None else asked,
                    is_borrowed=past.resolved is None,
                )
                forms = _lasting(forms)
                turns = max(len(before.forms), len(forms))
                self.stage("comparing")
                with progress_bar(len(self.flows) * turns, quiet=self.quiet, what="flows compared") as advance:
                    changes = compare(before, forms, self.flows, advance, asked=asked)
                earlier = verify_networks(before.forms, before.flows).findings if findings else ()
                self.follow(past)
                self.behold(Compared(out=past.out, before=before, forms=forms, flows=self.flows, changes=changes))
                return Comparison(
                    state=against,
                    topology=past.topology,
                    absent=absent,
                    changes=changes,
                    flows_unknown=past.flows_unknown,
                    standing=find_standing(earlier, findings),
                )
        except RevisionError as error:
            raise Refusal(against, str(error)) from None

    def _measure(self, wanted: MatrixRequest, network: Network) -> Matrix:
        """The matrix, drawn where it shall be drawn."""
        self.stage("measuring who reaches whom")
        parties = wanted.parties(self.production)
        with progress_bar(len(parties) ** 2, quiet=self.quiet, what="cells") as advance:
            matrix = measure(network, parties, wanted.traffic, advance)
        if wanted.picture is not None:
            save_page(wanted.picture, render_heat_map(matrix))
        return matrix


def _lasting(forms: Sequence[Network]) -> tuple[Network, ...]:
    """The forms in which the network stays: not while commands of a boot are still to run."""
    return tuple(form for form in forms if form.boot != Boot.BEFORE)


def save_page(path: str, text: str) -> None:
    """Write a picture or a page. Raises Refusal."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise Refusal(path, f"can't be written: {error.strerror}") from None
