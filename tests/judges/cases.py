"""The committed outputs that the judges look at, each beside the plan that it was made from."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct

from netwright.files.artifact import NodeFile
from netwright.model import Family
from netwright.plan.types import Link, NodePlan
from netwright.production.production import prepare
from netwright.text.report import render_text
from tests.rigs.tree import read_node

ROOT = Path(__file__).parents[2]
REFERENCE = "reference"
CONFIGURED = (Family.FLATCAR, Family.ROCKY)


class Case(Struct, frozen=True, kw_only=True):
    """A topology and the directory that holds its committed output."""

    name: str
    topology: Path
    out: Path

    def plans(self, family: Family) -> dict[str, NodePlan]:
        """The plan of every node of the family, by name."""
        return {name: plan for name, plan in _plans(self.topology).items() if plan.family is family}

    def device_plans(self) -> dict[str, NodePlan]:
        """The plans of all nodes that we configure, by name, if one of them has links that need more of a kernel.

        Those without a network service's files of ours, or whose addresses somebody leases, are left out; so are the
        ends of tunnels, which need keys, and cards of drivers and places that only some machines have. Of nodes with
        plain cards only, which any kernel can have, the first of each family stands for all.
        """
        plans = {
            name: plan
            for name, plan in _plans(self.topology).items()
            if plan.family in CONFIGURED
            and plan.network_config != "ifcfg"
            and not any(link.dhcp or link.kind == "wireguard" for link in plan.links)
            and (self.topology.parents[1].name == "devices" or not any(map(is_found, plan.links)))
        }
        plain = {name: plan.family for name, plan in plans.items() if has_plain_cards(plan)}
        if len(plain) == len(plans):
            return {}
        first = {family: name for name, family in reversed(plain.items())}
        return {name: plan for name, plan in plans.items() if name not in plain or first[plan.family] == name}

    def files(self, node: str) -> tuple[NodeFile, ...]:
        """The files as they are to lie on the node: the committed ones, or where none are those made now."""
        return read_node(self.out / node) if self.out.exists() else _built(self.topology)[node]


def case(name: str) -> Case:
    """The case of that name: a directory of examples or of tests/golden, or the reference network at the root."""
    folders = (ROOT / "examples" / name, ROOT / "tests" / "golden" / name)
    directory = ROOT if name == REFERENCE else next(folder for folder in folders if folder.is_dir())
    return Case(name=name, topology=directory / "topology.yaml", out=directory / "out")


def all_cases() -> Iterator[Case]:
    """The reference network, the examples and every golden case."""
    yield case(REFERENCE)
    for folder in (ROOT / "examples", ROOT / "tests" / "golden"):
        for topology in sorted(folder.glob("*/topology.yaml")):
            yield case(topology.parent.name)


def cases_with(family: Family, having: Callable[[NodePlan], object] = bool) -> pytest.MarkDecorator:
    """Runs a test once for each case with nodes of this family whose plans have something."""
    cases = [pytest.param(one, id=one.name) for one in all_cases() if any(map(having, one.plans(family).values()))]
    return pytest.mark.parametrize("case", cases)


def has_plain_cards(plan: NodePlan) -> bool:
    """Return whether the kernel of the tests can have the node's links, with addresses that its files state."""
    return all(
        link.device is None and link.controller is None and not (link.vlans or link.dhcp or is_found(link))
        for link in plan.links
    )


def is_found(link: Link) -> bool:
    """Return whether a card is one of a driver, place or name, or gets its name first."""
    return link.is_found_by_pattern or link.is_renamed


def cases_with_devices() -> Iterator[Case]:
    """The cases with links that `has_plain_cards` leaves out, and those of tests/devices, which have no out/."""
    yield from (one for one in all_cases() if one.device_plans())
    for topology in sorted((ROOT / "tests" / "devices").glob("*/topology.yaml")):
        yield Case(name=topology.parent.name, topology=topology, out=topology.parent / "out")


@cache
def _built(topology: Path) -> Mapping[str, tuple[NodeFile, ...]]:
    production, report = prepare(str(topology))
    assert production is not None, render_text(report)
    with contextlib.closing(production):
        return {node: production.build(node).files for node in production.nodes}


@cache
def _plans(topology: Path) -> Mapping[str, NodePlan]:
    production, report = prepare(str(topology))
    assert production is not None, render_text(report)
    with contextlib.closing(production):
        return {node: production.plan(node) for node in production.nodes}
