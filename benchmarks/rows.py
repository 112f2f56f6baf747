"""The rows of the table: what is measured, against what, and what the goal is."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.growth import GROWTHS, Growth
from benchmarks.measure import Bench, BenchmarkError
from benchmarks.topology import LEAST_NODES, REFERENCE_NODES, write_topology, write_two_networks

NETWRIGHT = (sys.executable, "-m", "netwright")
NOTHING = (sys.executable, "-c", "pass")
GENERATE = (*NETWRIGHT, "generate", "--quiet")
COPY = ("cp", "-r", "out", "copy")
MOST_MEMORY = 200


def measure_start(bench: Bench) -> Iterator[Figure]:
    """What every command costs before it does anything, and the smallest useful run."""
    interpreter = "`python -c pass`"
    for option, goal in (("--version", 2.0), ("--help", 5.5)):
        usages = bench.compare((*NETWRIGHT, option), NOTHING)
        yield ratio(f"`netwright {option}`", interpreter, usages, goal=goal, clock="cpu")
    _lay_out(bench, REFERENCE_NODES)
    usages = bench.compare(GENERATE, NOTHING, before=lambda: _remove(bench, "out"))
    yield ratio(f"generate {REFERENCE_NODES} nodes from scratch", interpreter, usages, goal=15, clock="cpu")


def measure_nodes(bench: Bench, nodes: int) -> Iterator[Figure]:
    """What a topology of that many nodes costs; leaves its directory empty."""
    _lay_out(bench, nodes)
    copy = "`cp -r` of the same tree"

    def clear_copy() -> None:
        _remove(bench, "copy")

    usages = bench.compare(GENERATE, COPY, before=lambda: _remove(bench, "out"), before_reference=clear_copy)
    yield ratio(f"generate {nodes:,} nodes from scratch", copy, usages, goal=2.0, clock="wall", note=_count(bench))
    yield Figure(
        work="the same, memory of the largest process",
        reference="",
        value=usages[0].memory,
        goal=MOST_MEMORY,
        unit="MiB",
    )
    check = (*NETWRIGHT, "check", "--quiet")
    usages = bench.compare(check, COPY, before_reference=clear_copy)
    yield ratio(f"`check` {nodes:,} nodes", copy, usages, goal=1.3, clock="wall")
    usages = bench.compare(check, COPY, before=lambda: _forget(bench), before_reference=clear_copy)
    yield ratio(f"`check` {nodes:,} nodes of a fresh clone", copy, usages, goal=1.3, clock="wall")
    bench.usage(GENERATE)
    yield _measure_change(bench, nodes)
    clear_copy()
    yield _measure_no_change(bench, nodes)
    yield _measure_proof(bench, nodes)


def _measure_change(bench: Bench, nodes: int) -> Figure:
    """Another MTU of one worker's interface in every run: three of its files are different."""
    mtus = iter(range(1300, 1500))
    topology = bench.directory / "topology.yaml"
    usages = bench.compare(
        GENERATE,
        COPY,
        before=lambda: _write(topology, write_topology(nodes, odd_mtu=next(mtus))),
        before_reference=lambda: _remove(bench, "copy"),
    )
    return ratio(
        f"generate {nodes:,} nodes, one of them changed", "`cp -r` of the same tree", usages, goal=0.8, clock="wall"
    )


def _measure_no_change(bench: Bench, nodes: int) -> Figure:
    for command in (("git", "init", "--quiet"), ("git", "add", "out")):
        bench.usage(command)
    bench.usage(GENERATE)
    usages = bench.compare(GENERATE, ("git", "status", "--short", "out"))
    _remove(bench, ".git")
    return ratio(
        f"generate {nodes:,} nodes, nothing changed", "`git status` of the same tree", usages, goal=3, clock="cpu"
    )


def _measure_proof(bench: Bench, nodes: int) -> Figure:
    """Each pod from each load balancer, there and back; the files included, which generate writes beside it."""
    _write(bench.directory / "topology.yaml", write_topology(nodes, flows=True))
    bench.usage(GENERATE)
    usages = bench.compare(
        (*NETWRIGHT, "verify", "--quiet"),
        (*GENERATE, "-o", "copy"),
        before_reference=lambda: _remove(bench, "copy"),
    )
    _remove(bench, "copy")
    return ratio(f"`verify` {nodes:,} nodes", "generate from scratch of the same", usages, goal=1.0, clock="wall")


def measure_links(bench: Bench, nodes: int) -> Iterator[Figure]:
    """What bonds with a VLAN on them cost, beside the same two networks on a card each."""
    for name in ("out", "copy", ".git"):
        _remove(bench, name)
    for name, bonds in (("bonds", True), ("cards", False)):
        _write(bench.directory / f"{name}.yaml", write_two_networks(nodes, bonds=bonds))
    reference = "the same networks on plain cards"
    commands = [(*GENERATE, f"{name}.yaml", "-o", name) for name in ("bonds", "cards")]
    usages = bench.compare(
        *commands, before=lambda: _remove(bench, "bonds"), before_reference=lambda: _remove(bench, "cards")
    )
    yield ratio(f"generate {nodes:,} nodes with bonds and VLANs", reference, usages, goal=1.5, clock="cpu")
    usages = bench.compare(
        *((*NETWRIGHT, "verify", "--quiet", f"{name}.yaml", "-o", name) for name in ("bonds", "cards"))
    )
    yield ratio(f"`verify` {nodes:,} nodes with bonds and VLANs", reference, usages, goal=1.5, clock="cpu")
    for name in ("bonds", "cards"):
        _remove(bench, name)
        (bench.directory / f"{name}.yaml").unlink()


def measure_growth(bench: Bench, fewer: int, more: int) -> Figure:
    """The cost of a node in a large topology beside that in a small one, without what the least run costs anyway."""
    least, small, large = (_least_cpu(bench, nodes) for nodes in (LEAST_NODES, fewer, more))
    before, after = (small - least) / (fewer - LEAST_NODES), (large - least) / (more - LEAST_NODES)
    return Figure(
        work=f"CPU for a node, {fewer:,} to {more:,} nodes",
        reference="itself",
        value=after / before,
        goal=1.2,
        clock="cpu",
        cpu=after / before,
        note=f"{after * 1000:.2f} ms a node",
    )


def measure_inputs(bench: Bench, scale: float = 1.0) -> Iterator[Figure]:
    """What four times as much of one kind of input costs, beside once as much; in proportion it would be 4 at most."""
    for name, growth in GROWTHS.items():
        sizes = [max(1, round(growth.fewer * scale)) * times for times in (1, 4)]
        small, large = (_cost_of(bench, growth, size) for size in sizes)
        yield Figure(
            work=f"{name}, {sizes[0]:,} to {sizes[1]:,}",
            reference="itself",
            value=large / small,
            goal=5,
            clock="cpu",
            cpu=large / small,
            seconds=large,
        )


def _cost_of(bench: Bench, growth: Growth, size: int) -> float:
    for name in ("out", "copy", ".git"):
        _remove(bench, name)
    _write(bench.directory / "topology.yaml", growth.write(size))
    if growth.needs_out:
        bench.usage(GENERATE)
    command = (*NETWRIGHT, growth.command, *growth.options, "topology.yaml")
    cost = min(bench.usage(command, fine=(0, growth.status)).cpu for _ in range(bench.repeats))
    _remove(bench, "out")
    return cost


def _least_cpu(bench: Bench, nodes: int) -> float:
    """The CPU time of the quickest run; what neighbours add is not the topology's."""
    _lay_out(bench, nodes)
    runs = []
    for _ in range(bench.repeats):
        _remove(bench, "out")
        runs.append(bench.usage(GENERATE).cpu)
    _remove(bench, "out")
    return min(runs)


def _lay_out(bench: Bench, nodes: int) -> None:
    """Start anew with a topology of that many nodes, and run it once: byte code and templates are compiled then."""
    for name in ("out", "copy", ".git"):
        _remove(bench, name)
    _write(bench.directory / "topology.yaml", write_topology(nodes))
    bench.usage(GENERATE)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _remove(bench: Bench, name: str) -> None:
    shutil.rmtree(bench.directory / name, ignore_errors=True)
    if (bench.directory / name).exists():
        raise BenchmarkError(f"{bench.directory / name} can't be removed; remove it and measure again")


def _forget(bench: Bench) -> None:
    """Remove what is known of OUT from earlier runs."""
    for index in (Path(bench.environment["XDG_CACHE_HOME"]) / "netwright").glob("*.index"):
        index.unlink()


def _count(bench: Bench) -> str:
    files = sum(len(names) for _, _, names in os.walk(bench.directory / "out"))
    return f"{files:,} files"
