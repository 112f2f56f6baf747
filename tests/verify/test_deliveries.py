"""Carriers that their program refuses, or reads otherwise than they look: each rule of it decides here alone."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from netwright.verify.reading.delivery import read_delivery
from netwright.verify.reading.formats.cloudinit import read_user_data
from netwright.verify.reading.formats.ignition import Provisioned, read_ignition
from netwright.verify.values.facts import Unknown
from tests.verify.readers.test_ignition_refusals import PAIRS, REMOVED
from tests.verify.readers.test_write_files import AFTER, ENTRIES, STOPS


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


def _written(*entries: Mapping[str, object]) -> Provisioned:
    return read_user_data("n/user-data", "#cloud-config\n" + yaml.safe_dump({"write_files": [*entries]}))


@pytest.mark.parametrize("entry", [pytest.param(STOPS[name], id=name) for name in STOPS])
def test_cloud_init_stops(entry: dict[str, object]) -> None:
    provisioned = _written({"path": "/opt/x", **entry}, {"path": AFTER, "content": "x"})

    assert provisioned.unknown != []
    assert AFTER not in provisioned.files


def test_a_deferred_owner() -> None:
    assert _written({"path": "/opt/x", "content": "x", "owner": "app", "defer": True}).unknown == []


def test_a_mode_without_quotes() -> None:
    assert _written({"path": "/opt/x", "permissions": 600}).files["/opt/x"].mode == 0o1130


def test_packed_content() -> None:
    packed, plain = (_written({"path": "/opt/x", **ENTRIES[name]}).files["/opt/x"] for name in ("packed", "plain"))

    assert packed.content == plain.content


def _unknown(**files: str) -> tuple[Unknown, ...]:
    """Return what is unknown of a seed with these files and usual others."""
    usual = {"user_data": "#cloud-config\n{}\n", "network_config": "config: disabled\n"}
    with tempfile.TemporaryDirectory() as folder:
        seed = Path(folder) / "n/cloud-init"
        seed.mkdir(parents=True)
        for name, text in (usual | files).items():
            (seed / name.replace("_", "-")).write_text(text)
        return read_delivery(Path(folder), "n").unknown


def test_a_seed_without_meta_data() -> None:
    assert _unknown(meta_data="") == ()
    assert _unknown() != ()


def test_a_seed_from_elsewhere() -> None:
    assert _unknown(meta_data="seedfrom: http://x/\n") != ()


def test_vendor_data() -> None:
    assert _unknown(meta_data="", vendor_data="#cloud-config\n{}\n") == ()
    assert _unknown(meta_data="", vendor_data="#cloud-config\nruncmd: [reboot]\n") != ()
