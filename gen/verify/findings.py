"""What a verification found, grouped by cause: fifty nodes that lack one route are one finding."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gen.natural import natural_key
from gen.report import Severity
from gen.verify.facts import Origin
from gen.verify.trace import Decision


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One packet's fate, hop by hop: who to whom with what, the way there, and the way back as far as it got.

    `sender` and `receiver` say whose the addresses are.
    """

    flow: str
    source: str
    sender: str
    destination: str
    receiver: str
    traffic: str
    there: tuple[Decision, ...]
    back: tuple[Decision, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One cause. `kind` is a verdict, or for what no flow asks about the name of the fault.

    `nodes` are the machines where it happens, `pairs` the address pairs of flows that it strikes, `origins` the lines.
    """

    severity: Severity
    kind: str
    cause: str
    nodes: tuple[str, ...]
    flows: tuple[str, ...] = ()
    pairs: int = 0
    origins: tuple[Origin, ...] = ()
    example: Example | None = None


@dataclass(slots=True)
class _Group:
    severity: Severity
    example: Callable[[], Example | None]
    nodes: set[str] = field(default_factory=set)
    flows: dict[str, None] = field(default_factory=dict)
    pairs: int = 0
    origins: dict[Origin, None] = field(default_factory=dict)


class Findings:
    """Gathers single faults and groups them."""

    def __init__(self) -> None:
        """Starts empty."""
        self._groups: dict[tuple[str, str], _Group] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(
        self,
        kind: str,
        cause: str,
        node: str,
        *,
        severity: Severity = Severity.ERROR,
        flow: str | None = None,
        pairs: int = 0,
        origin: Origin | None = None,
        example: Callable[[], Example | None] = lambda: None,
    ) -> None:
        """Notes a fault; `example` is asked only for the first of its group."""
        group = self._groups.get((kind, cause))
        if group is None:
            made = example()
            group = self._groups[kind, cause] = _Group(severity=severity, example=lambda: made)
        group.nodes.add(node)
        group.pairs += pairs
        if flow is not None:
            group.flows[flow] = None
        if origin is not None:
            group.origins[origin] = None

    def blames(self, kind: str, cause: str, node: str) -> bool:
        """Whether a machine is at fault in this way already, for this cause on either way."""
        return any(
            kind == one and said.startswith(f"{cause} (") and node in group.nodes
            for (one, said), group in self._groups.items()
        )

    def grouped(self) -> tuple[Finding, ...]:
        """The findings: errors first, those that strike most first."""
        found = [
            Finding(
                severity=group.severity,
                kind=kind,
                cause=cause,
                nodes=tuple(sorted(group.nodes, key=natural_key)),
                flows=tuple(group.flows),
                pairs=group.pairs,
                origins=tuple(sorted(group.origins, key=lambda origin: (natural_key(origin.file), origin.line))),
                example=group.example(),
            )
            for (kind, cause), group in self._groups.items()
        ]
        return tuple(sorted(found, key=lambda one: (one.severity is Severity.WARNING, -one.pairs, one.kind, one.cause)))
