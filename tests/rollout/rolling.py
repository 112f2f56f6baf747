"""Rollouts from one topology to another, as values."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from netwright.production.production import Production, prepare
from netwright.rollout.ordering import open_explorer
from netwright.rollout.rollout import plan_rollout
from netwright.rollout.values import Rollout
from netwright.text.report import render_text
from netwright.write import compare, generate


def roll_out(folder: Path, old: str, new: str) -> Rollout:
    """The rollout of a topology where OUT is that of another one."""
    with closing(_open(folder, old)) as production:
        generate(folder / "out", production.nodes, production.build, fingerprint=production.fingerprint)
        earlier = production.resolved
    with closing(_open(folder, new)) as production:
        comparison = compare(folder / "out", production.nodes, production.build)
        return plan_rollout(production, comparison, folder / "out", "out", earlier)


def broken_while(folder: Path, old: str, new: str, updated: Iterable[str]) -> set[str]:
    """The flows that break where some machines have the files of the new topology, and the others those of the old."""
    resolved = []
    for name, text in (("old", old), ("new", new)):
        with closing(_open(folder, text)) as production:
            generate(folder / name, production.nodes, production.build, fingerprint=production.fingerprint)
            resolved.append(production.resolved)
    explorer = open_explorer(folder / "old", folder / "new", [*resolved[1].nodes], resolved[1], resolved[0])
    return {clash.example.flow for clash in explorer.prove(frozenset(updated))}


def _open(folder: Path, topology: str) -> Production:
    path = folder / "topology.yaml"
    path.write_text(topology, encoding="utf-8")
    production, report = prepare(str(path))
    assert production is not None, render_text(report)
    return production
