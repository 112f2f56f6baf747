"""Machines whose files change, from two states of OUT: file by file, with what must follow."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from netwright.rollout.consequences import Host, judge_file
from netwright.rollout.provisioning import ignition_pieces, seed_pieces
from netwright.rollout.values import ChangedFile, Command, Consequence, FilePlan, MachinePlan, Sign, Stage
from netwright.text.natural import natural_key
from netwright.topology.resolved import ResolvedTopology
from netwright.verify.reading.delivery import Delivery, Text, read_delivery
from netwright.verify.reading.disk import read_file
from netwright.verify.values.wiring import Wiring

_SEED = "cloud-init/user-data"


def plan_machines(before: Path, after: Path, nodes: Iterable[str], hosts: Mapping[str, Host]) -> Iterator[MachinePlan]:
    """Yield the plan of each of some nodes whose files change between two states of OUT."""
    for node in sorted(nodes, key=natural_key):
        found = plan_machine(before, after, node, hosts.get(node, Host()))
        if found is not None:
            yield found


def plan_machine(before: Path, after: Path, node: str, host: Host) -> MachinePlan | None:
    """The plan of one node, None if nothing on the machine changes."""
    was, now = (_exists(out, node) for out in (before, after))
    if not (was and now):
        return _whole(node, "+" if now else "-")
    files = tuple(_files(before, after, node, host))
    known = [one.file.path for one in files]
    known += (command.text for one in files for command in one.consequence.commands)
    files += tuple(seed_pieces(_artifact(before, after, node, _SEED), known))
    return MachinePlan(node=node, sign="~", files=files) if files else None


def _exists(out: Path, node: str) -> bool:
    return (out / node / "manifest.json").is_file()


def _whole(node: str, sign: Sign) -> MachinePlan:
    """A machine that comes or goes."""
    what = "provision it, or hand over its sheet" if sign == "+" else "take it out of service"
    consequence = Consequence(moment="provisioning" if sign == "+" else "person", notes=(what,))
    text = {"before": None, "after": ""} if sign == "+" else {"before": "", "after": None}
    return MachinePlan(
        node=node, sign=sign, files=(FilePlan(file=ChangedFile(path="machine", **text), consequence=consequence),)
    )


def _files(before: Path, after: Path, node: str, host: Host) -> Iterator[FilePlan]:
    was, now = (read_delivery(out, node) for out in (before, after))
    texts = _texts(was), _texts(now)
    for path in sorted(texts[0].keys() | texts[1].keys(), key=_stem):
        one, other = texts[0].get(path), texts[1].get(path)
        file = ChangedFile(path=path, before=one.text if one else None, after=other.text if other else None)
        if file.before != file.after:
            yield FilePlan(file=file, consequence=judge_file(file, host))
        elif one is not None and other is not None and _access(one) != _access(other):
            note = f"mode and owner: {_access(one)} before, {_access(other)} now"
            yield FilePlan(file=file, consequence=Consequence(notes=(note,)))
    yield from _started(was, now, set(texts[0].keys() ^ texts[1].keys()))
    yield from ignition_pieces(node, _artifact(before, after, node, f"{node}.ign"))


def _stem(path: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """The key by which files are sorted: a device before what is stacked on it, bond0 before bond0.310."""
    return natural_key(path.rpartition(".")[0]), natural_key(path)


def _texts(delivery: Delivery) -> Mapping[str, Text]:
    """The files that reach the machine, networks of libvirt and the sheet by their path beside rootfs/."""
    beside = [*delivery.libvirt, *([delivery.handoff] if delivery.handoff is not None else [])]
    prefix = f"{delivery.node}/"
    return {**delivery.files, **{text.shown.removeprefix(prefix): text for text in beside}}


def _access(text: Text) -> str:
    return f"{text.mode:04o} {text.owner}" if text.mode is not None else text.owner


def _started(was: Delivery, now: Delivery, whole: set[str]) -> Iterator[FilePlan]:
    """Yield the units that are started from now on, or not any more, and whose own file neither comes nor goes."""
    for name in sorted(was.enabled ^ now.enabled, key=natural_key):
        path = f"/etc/systemd/system/{name}"
        if path not in whole:
            verb = "enable --now" if name in now.enabled else "disable --now"
            file = ChangedFile(path=path, before="", after="")
            command = Command(Stage.PROGRAMS, f"systemctl {verb} {name}")
            yield FilePlan(file=file, consequence=Consequence(commands=(command,)))


def _artifact(before: Path, after: Path, node: str, path: str) -> ChangedFile:
    texts = (read_file(f"{out}/{node}/{path}") for out in (before, after))
    was, now = (text.decode(errors="replace") if isinstance(text, bytes) else None for text in texts)
    return ChangedFile(path=path, before=was, after=now)


def find_hosts(resolved: ResolvedTopology, wiring: Wiring) -> Mapping[str, Host]:
    """What rules know of each machine of a topology."""
    guests: dict[str, dict[str, tuple[str, ...]]] = {}
    for segment in wiring.segments:
        if segment.bridge is not None:
            others = dict.fromkeys(port.node for port in segment.ports if port.node != segment.bridge.node)
            guests.setdefault(segment.bridge.node, {})[segment.bridge.interface] = (*others,)
    services = {"server": "k3s", "agent": "k3s-agent"}
    return {
        node.name: Host(
            k3s=services.get(node.role.value) if node.role is not None else None, guests=guests.get(node.name, {})
        )
        for node in resolved.topology.nodes
    }
