"""The work behind `netwright verify`: reading, proving, comparing, measuring, each with its progress on a terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netwright.commands.verify_request import MOST_DETAILED, MOST_ROWS, MatrixRequest, Refusal, check_out, check_picture
from netwright.compare.against import compare
from netwright.compare.change import Comparison, Earlier, find_standing
from netwright.compare.revision import RevisionError, open_past
from netwright.files.whole_file import write_whole
from netwright.matrix.heat_map import render_heat_map
from netwright.matrix.matrix import Matrix, measure
from netwright.matrix.page import render_page
from netwright.parallel.progress import progress_bar
from netwright.production.production import Production
from netwright.repair.repair import find_repairs
from netwright.text.report import Severity, printable
from netwright.verdict_formats.judgement import Judgement
from netwright.verify import Finding, Flow
from netwright.verify.network_model.live_machine import Record
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import verify_networks
from netwright.verify.reading.delivery import Delivery
from netwright.verify.values.boots import Boot
from netwright.verify_input.delivering import Deliver, read_deliveries
from netwright.verify_input.parties import node_parties
from netwright.verify_input.reading import absent_nodes, read_forms
from netwright.verify_input.records import RecordFault, read_records
from netwright.verify_input.wiring import state_flows


class Work(Struct, frozen=True, kw_only=True):
    """Work of a proof: the flows of a topology from the files below `out`, got by `deliver`, and from the records in
    `live`.

    `stage` is told what is done. Each method may raise Refusal.
    """

    production: Production
    topology: str
    out: str
    deliver: Deliver = read_deliveries
    flows: tuple[Flow, ...]
    quiet: bool
    live: str | None = None
    stage: Callable[[str], None] = lambda _what: None

    def judge(self, against: str | None, wanted: MatrixRequest | None, *, repair: bool) -> Judgement:
        """Prove everything that was asked for."""
        check_out(self.out, self.production.nodes)
        if wanted is not None:
            wanted.parties(self.production)
            if wanted.picture is not None:
                check_picture(wanted.picture)
        self.stage(f"reading {printable(self.out)}")
        forms = self._read()
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

    def _read(self) -> tuple[Network, ...]:
        """The forms of the network of OUT."""
        with progress_bar(len(self.production.nodes), quiet=self.quiet, what="nodes read") as advance:

            def deliver(out: Path, nodes: Sequence[str]) -> Iterator[Delivery]:
                for delivery in self.deliver(out, nodes):
                    yield delivery
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
                warned = any(one.severity is Severity.WARNING for one in findings)
                earlier = verify_networks(before.forms, before.flows).findings if warned else ()
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
        detail = node_parties(self.production.resolved) if wanted.is_page and not wanted.by_node else ()
        detailed = 0 < len(detail) <= MOST_DETAILED
        cells = len(parties) ** 2 + (len(detail) ** 2 if detailed else 0)
        with progress_bar(cells, quiet=self.quiet, what="cells") as advance:
            matrix = measure(network, parties, wanted.traffic, advance)
            nodes = measure(network, detail, wanted.traffic, advance) if detailed else None
        if wanted.picture is not None:
            note = f"{len(detail)} rows of nodes and pods are left out; --matrix-by node shows up to {MOST_ROWS}."
            picture = self._page(matrix, nodes, note if detail and not detailed else "")
            _save(wanted.picture, picture if wanted.is_page else render_heat_map(matrix))
        return matrix

    def _page(self, matrix: Matrix, nodes: Matrix | None, note: str) -> str:
        by_node = any(party.kind == "node" for party in matrix.sources)
        sections = [("Node by node" if by_node else "Networks, groups and pods", matrix)]
        sections += [("Node by node", nodes)] if nodes is not None else []
        return render_page(sections, self.production.resolved.topology.name, note)


def _lasting(forms: Sequence[Network]) -> tuple[Network, ...]:
    """The forms in which the network stays: not while commands of a boot are still to run."""
    return tuple(form for form in forms if form.boot != Boot.BEFORE)


def _save(path: str, picture: str) -> None:
    try:
        write_whole(path, picture)
    except OSError as error:
        raise Refusal(path, f"can't be written: {error.strerror}") from None
