"""The plan for machines, from what each has to what OUT wants: changes, what follows from them, and the order."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from netwright.apply.comparing import FilesToChange, WantedFiles, manifest_of
from netwright.apply.earlier import HeldFile, lay_out_earlier
from netwright.apply.values import CommandLines, FileChange, MachineChange
from netwright.production.production import Production
from netwright.rollout.consequences import Host, judge_file
from netwright.rollout.machines import find_hosts, plan_machine
from netwright.rollout.mixing import Transition
from netwright.rollout.ordering import find_order
from netwright.rollout.settings import read_settings
from netwright.rollout.values import ChangedFile, Consequence, FilePlan, Loss, MachinePlan, Rollout, Stage
from netwright.topology.resolved import ResolvedTopology
from netwright.verify_input.wiring import wire

STATE = "what the machines have"
_SYSCTLS = re.compile(r"/etc/sysctl\.d/.+\.conf|/etc/sysctl\.conf")
_UNIT_FILE = re.compile(r"/etc/systemd/system/([^/]+?)(?:\.d/[^/]+)?")
_PLAIN_KEY = re.compile(r"-?([A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)+)")


class Prospect(Struct, frozen=True, kw_only=True):
    """What is to be done on machines, with the plan of it; `left` is what apply does not do, by node. `earlier` has the
    files that machines come with, `transition` the network meanwhile, None where nothing is to be done."""

    changes: Mapping[str, MachineChange]
    rollout: Rollout
    left: Mapping[str, tuple[FilePlan, ...]]
    earlier: Path
    transition: Transition | None


@contextmanager
def find_prospect(
    production: Production,
    out: Path,
    base: Path,
    compared: Mapping[str, tuple[WantedFiles, FilesToChange]],
    past: ResolvedTopology | None,
) -> Iterator[Prospect]:
    """What is to be done on each machine that was compared. `base` is the state of OUT from which machines come, but
    for the files that differ; `past` the topology of that state."""
    resolved = production.resolved
    hosts = find_hosts(resolved, wire(resolved))
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        earlier = Path(folder)
        held = {node: to_change.held for node, (_, to_change) in compared.items()}
        _lay_out(base, out, earlier, production.nodes, held)
        plans: dict[str, MachinePlan] = {}
        changes: dict[str, MachineChange] = {}
        left: dict[str, tuple[FilePlan, ...]] = {}
        for node, (wanted, to_change) in compared.items():
            whole = _plan(earlier, out, node, hosts[node], to_change)
            done = {one.path for one in to_change.changes}
            left[node] = tuple(
                one for one in whole.files if one.file.path not in done or one.consequence.moment != "now"
            )
            plan = replace(whole, files=tuple(one for one in whole.files if one.file.path in done))
            if to_change.changes:
                back = _plan(out, earlier, node, hosts[node], to_change)
                plans[node] = plan
                changes[node] = _change(node, wanted, to_change, plan, back)
        rollout, transition = _order(production, earlier, out, plans, past)
        yield Prospect(changes=changes, rollout=rollout, left=left, earlier=earlier, transition=transition)


def _lay_out(
    base: Path, out: Path, target: Path, nodes: Iterable[str], held: Mapping[str, Mapping[str, HeldFile | None]]
) -> None:
    for node in nodes:
        lay_out_earlier(base if (base / node / "manifest.json").is_file() else out, target, [node], held)


def _plan(before: Path, after: Path, node: str, host: Host, to_change: FilesToChange) -> MachinePlan:
    """The plan of a machine from one state to another, with every file that changes, also where no rule is for it."""
    found = plan_machine(before, after, node, host)
    files = list(found.files) if found is not None else []
    known = {one.file.path for one in files}
    for one in to_change.changes:
        if one.path not in known:
            text = one.content.decode(errors="replace") if one.content is not None else None
            file = ChangedFile(
                path=one.path, before="" if to_change.held.get(one.path) is not None else None, after=text
            )
            files.append(FilePlan(file=file, consequence=_without_rule(one, host)))
    return MachinePlan(node=node, sign="~", files=tuple(files))


def _without_rule(change: FileChange, host: Host) -> Consequence:
    """The consequence of a file that no part of the proof reads."""
    file = ChangedFile(path=change.path, before="", after=(change.content or b"").decode(errors="replace"))
    return judge_file(file, host)


def _change(
    node: str, wanted: WantedFiles, to_change: FilesToChange, plan: MachinePlan, back: MachinePlan
) -> MachineChange:
    done = {one.path for one in to_change.changes}
    there = _lines(plan)
    return MachineChange(
        node=node,
        files=to_change.changes,
        there=there,
        back=_lines(replace(back, files=tuple(one for one in back.files if one.file.path in done))),
        parameters=tuple(_parameters(to_change)),
        units=tuple(_units(to_change.changes, there)),
        manifest=manifest_of(wanted),
    )


def _lines(plan: MachinePlan) -> CommandLines:
    lines = [(one.stage is Stage.LEAVE, one.text) for one in plan.commands if one.text.isprintable()]
    return CommandLines(
        leave=tuple(text for is_leave, text in lines if is_leave),
        then=tuple(text for is_leave, text in lines if not is_leave),
    )


def _parameters(to_change: FilesToChange) -> Iterator[str]:
    """Yield the files of the parameters that changed sysctl files set, ip_forward first: it resets others."""
    found: dict[str, None] = {}
    for change in to_change.changes:
        if _SYSCTLS.fullmatch(change.path):
            was = to_change.held.get(change.path)
            for content in (change.content, was.content if was is not None else None):
                for _, key, _ in read_settings((content or b"").decode(errors="replace")):
                    if match := _PLAIN_KEY.fullmatch(key):
                        found.setdefault(_path_of(match[1]))
    yield from sorted(found, key=lambda path: not path.endswith("/ip_forward"))


def _path_of(key: str) -> str:
    """The file of a parameter: the first separator tells whether dots or slashes separate (sysctl.d(5))."""
    first = re.search(r"[./]", key)
    is_dotted = first is not None and first[0] == "."
    return "/proc/sys/" + (key.translate(str.maketrans("./", "/.")) if is_dotted else key)


def _units(changes: Iterable[FileChange], there: CommandLines) -> Iterator[str]:
    """Yield the units that a change touches, each once."""
    found: dict[str, None] = {}
    for change in changes:
        if match := _UNIT_FILE.fullmatch(change.path):
            found.setdefault(match[1])
    for line in (*there.leave, *there.then):
        words = line.split()
        if words[:1] == ["systemctl"]:
            found.update(dict.fromkeys(word for word in words[2:] if not word.startswith("-")))
    yield from (name for name in found if re.fullmatch(r"[A-Za-z0-9@_.:-]+\.[a-z]+", name))


def _order(
    production: Production, before: Path, after: Path, plans: Mapping[str, MachinePlan], past: ResolvedTopology | None
) -> tuple[Rollout, Transition | None]:
    rollout = Rollout(state=STATE, machines=tuple(plans.values()))
    if not plans:
        return rollout, None
    lossy = [node for node, plan in plans.items() if plan.loss is not Loss.NONE]
    order = find_order(before, after, [*plans], production.resolved, past, lossy=lossy)
    rollout = replace(rollout, steps=order.steps, is_proved=order.is_proved, flows=order.flows)
    return rollout, order.transition
