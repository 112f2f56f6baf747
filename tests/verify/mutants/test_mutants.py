"""Each rule's one-line mutation of the verifier is noticed by the case made for it."""

import ast
import os
import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.verify.mutants.cards import CARD_MUTANTS
from tests.verify.mutants.deliveries import DELIVERY_MUTANTS
from tests.verify.mutants.devices import DEVICE_MUTANTS
from tests.verify.mutants.exits import EXIT_MUTANTS
from tests.verify.mutants.filtering import FILTER_MUTANTS
from tests.verify.mutants.isolation import ISOLATION_MUTANTS
from tests.verify.mutants.k3s import K3S_MUTANTS
from tests.verify.mutants.leases import LEASE_MUTANTS
from tests.verify.mutants.live import LIVE_MUTANTS
from tests.verify.mutants.loading import LOADING_MUTANTS
from tests.verify.mutants.mutant import Mutant, mutate
from tests.verify.mutants.names_and_time import NAME_MUTANTS
from tests.verify.mutants.next_hops import NEXT_HOP_MUTANTS
from tests.verify.mutants.pools import POOL_MUTANTS
from tests.verify.mutants.programs import PROGRAM_MUTANTS
from tests.verify.mutants.routing import ROUTING_MUTANTS
from tests.verify.mutants.running import RUNNING_MUTANTS
from tests.verify.mutants.translation import TRANSLATION_MUTANTS
from tests.verify.mutants.tunnels import TUNNEL_MUTANTS

KILLED, SURVIVED, BROKEN = 0, 1, 2
KILLERS = (
    "ways",
    "programs",
    "firewalld",
    "exits",
    "running",
    "refused",
    "commands",
    "devices",
    "isolation",
    "crossings",
    "leases",
    "cards",
    "bridge_filters",
    "tunnels",
    "pools",
    "forwards",
    "names_and_time",
    "live",
    "cluster_ports",
    "k3s_nodes",
    "deliveries",
)
"""Modules tests.verify.test_NAME with a test that a mutant may name, beside the cases of test_rules. One of several
cases is named as NAME[ID]."""


class _Changed(MetaPathFinder, Loader):
    """Imports one module from a changed syntax tree."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self._name = name
        self._code = compile(tree, f"<mutant of {name}>", "exec")

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def _text_of(mutant: Mutant) -> tuple[str, str]:
    name = f"netwright.verify.{mutant.module}"
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    return name, Path(found.origin).read_text(encoding="utf-8")


def _judge(name: str, tree: ast.Module, killer: str, place: str | None) -> int:
    """Return whether the case fails with the changed module; meant for a process of its own."""
    for loaded in [*sys.modules]:
        if loaded.startswith(("netwright.verify", "tests.verify.")):
            del sys.modules[loaded]
    sys.meta_path.insert(0, _Changed(name, tree))
    function, _, case = killer.partition("[")
    try:
        if place is None:
            import_module("tests.verify.test_rules").test_a_rule_of_forwarding_decides(killer)
        else:
            test = getattr(import_module(place), function)
            test(*_arguments(test, case.removesuffix("]")) if case else ())
    except AssertionError:
        return KILLED
    return SURVIVED


def _place_of(killer: str) -> str | None:
    """The module of the test that a mutant names, None if it names a case of test_rules."""
    if killer in import_module("tests.verify.test_rules").CASES:
        return None
    names = (f"tests.verify.test_{one}" for one in KILLERS)
    return next(name for name in names if hasattr(import_module(name), killer.partition("[")[0]))


def _arguments(test: Any, case: str) -> tuple[object, ...]:
    """Return what a parametrized test gets in one of its cases, each a pytest.param with an id."""
    (mark,) = (mark for mark in test.pytestmark if mark.name == "parametrize")
    return next(one.values for one in mark.args[1] if one.id == case)


@pytest.mark.parametrize(
    "mutant",
    ROUTING_MUTANTS
    + NEXT_HOP_MUTANTS
    + FILTER_MUTANTS
    + PROGRAM_MUTANTS
    + EXIT_MUTANTS
    + RUNNING_MUTANTS
    + DELIVERY_MUTANTS
    + LOADING_MUTANTS
    + LIVE_MUTANTS
    + CARD_MUTANTS
    + DEVICE_MUTANTS
    + ISOLATION_MUTANTS
    + LEASE_MUTANTS
    + TRANSLATION_MUTANTS
    + POOL_MUTANTS
    + NAME_MUTANTS
    + TUNNEL_MUTANTS
    + K3S_MUTANTS,
    ids=lambda mutant: mutant.rule.replace(" ", "-"),
)
def test_a_mutant_is_killed(mutant: Mutant) -> None:
    name, text = _text_of(mutant)
    tree = mutate(text, mutant)
    place = _place_of(mutant.killer)
    child = os.fork()
    if child == 0:
        outcome = BROKEN
        try:
            outcome = _judge(name, tree, mutant.killer, place)
        finally:
            os._exit(outcome)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == KILLED
