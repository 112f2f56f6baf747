"""Carriers that their program refuses, or reads otherwise than they look: each rule of it decides here alone."""

import json

import pytest

from netwright.verify.reading.formats.ignition import read_ignition
from tests.verify.readers.test_ignition_refusals import PAIRS, REMOVED


def _is_refused(document: object) -> bool:
    return read_ignition("n/n.ign", json.dumps({"ignition": {"version": "3.3.0"}, **document})).refused  # type: ignore[dict-item]


@pytest.mark.parametrize(("refused", "taken"), [pytest.param(*PAIRS[name], id=name) for name in PAIRS])
def test_ignition_stops(refused: object, taken: object) -> None:
    assert _is_refused(refused)
    assert not _is_refused(taken)


@pytest.mark.parametrize("key", ['"Enabled": false', '"enabled": true, "enabled": false'])
def test_ignition_reads_keys_in_its_way(key: str) -> None:
    unit = '{"name": "a.service", %s}'
    text = f'{{"ignition": {{"version": "3.3.0"}}, "systemd": {{"units": [{unit}]}}}}'

    assert read_ignition("n/n.ign", text % key).refused
    assert not read_ignition("n/n.ign", text % '"enabled": false').refused


def test_a_key_in_capitals() -> None:
    test_ignition_reads_keys_in_its_way('"Enabled": false')


def test_a_key_twice() -> None:
    test_ignition_reads_keys_in_its_way('"enabled": true, "enabled": false')


@pytest.mark.parametrize("more", [pytest.param(more, id=name) for name, (more, _) in REMOVED.items()])
def test_ignition_removes_what_the_system_needs(more: dict[str, object]) -> None:
    assert read_ignition("n/n.ign", json.dumps({"ignition": {"version": "3.3.0"}, **more})).unknown != []
