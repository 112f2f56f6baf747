"""Whatever the schema takes: the rules find or stay silent but never fail, and what they let pass is planned whole."""

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netwright.checks import check
from netwright.model import Topology
from netwright.parse import parse
from netwright.plan import plan_node
from netwright.schema.topology_schema import validate
from netwright.text.load import load, read_source
from netwright.text.report import Severity
from netwright.topology.resolved import resolve_topology
from netwright.topology.settings import stated_routes

TESTS = Path(__file__).parent.parent
ROUNDS = 120


def documents() -> list[dict[str, Any]]:
    """The documents of all cases that the schema takes."""
    found = []
    for path in sorted([*TESTS.glob("errors/*/topology.yaml"), *TESTS.glob("checks/correct/*.yaml")]):
        source, _ = read_source(str(path))
        document = load(source)[0] if source else None
        if isinstance(document, dict) and not validate(document, "topology.schema.yaml"):
            found.append(document)
    return found


def places(value: Any) -> Iterator[tuple[Any, str | int]]:
    """Every collection below a value with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def spoil(document: dict[str, Any], others: dict[str | int, list[Any]], chance: random.Random) -> dict[str, Any]:
    """The document with a few values taken away, or exchanged for values of the same key in other documents."""
    spoilt = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        below, key = chance.choice(list(places(spoilt)))
        if chance.random() < 0.2:
            del below[key]
        else:
            below[key] = copy.deepcopy(chance.choice(others[key]))
    return spoilt


def topologies(seed: int) -> Iterator[Topology]:
    chance = random.Random(seed)
    all_documents = documents()
    others: dict[str | int, list[Any]] = {}
    for document in all_documents:
        for below, key in places(document):
            others.setdefault(key, []).append(below[key])
    for _ in range(ROUNDS):
        spoilt = spoil(chance.choice(all_documents), others, chance)
        if not validate(spoilt, "topology.schema.yaml"):
            topology, diagnostics = parse(spoilt)
            if not diagnostics:
                yield topology


@pytest.mark.parametrize("seed", range(4))
def test_what_passes_the_checks_keeps_every_route_in_the_plan(seed: int) -> None:
    passed = 0

    for topology in topologies(seed):
        found = check(topology)
        if any(diagnostic.severity is Severity.ERROR for diagnostic in found) or topology.flows:
            continue
        passed += 1
        resolved = resolve_topology(topology)
        for node in topology.nodes:
            plan = plan_node(resolved, node)
            planned = [route for link in plan.links for route in link.routes]
            planned += [route for network in plan.libvirt_networks for route in network.routes]
            stated = [end for route in stated_routes(node) for end in resolved.resolve_end(route.to) or ()]
            assert {route.destination for route in planned} >= set(stated)
            assert len(planned) >= len(stated)

    assert passed
