"""Configs that the real Ignition refuses, or at which it stops, and their nearest neighbours that it takes."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from netwright.verify.reading.formats.ignition import read_ignition
from tests.rigs.ignition import IgnitionError, apply_ignition

X = {"source": "data:,x"}
UNIT = "[Service]\nExecStart=/bin/true\n"


def _files(*files: dict[str, object], **more: object) -> dict[str, object]:
    return {"storage": {"files": [{"contents": X, **one} for one in files], **more}}


def _unit(name: str = "a.service", contents: str | None = UNIT, **more: object) -> dict[str, object]:
    return {"systemd": {"units": [{"name": name, **({"contents": contents} if contents else {}), **more}]}}


PAIRS = {
    "a path twice": (_files({"path": "/a"}, {"path": "/a"}), _files({"path": "/a"}, {"path": "/b"})),
    "a file and a link": (
        _files({"path": "/a"}, links=[{"path": "/a", "target": "/b"}]),
        _files({"path": "/a"}, links=[{"path": "/b", "target": "/a"}]),
    ),
    "a unit twice": (
        {"systemd": {"units": [{"name": "a.service"}, {"name": "a.service"}]}},
        {"systemd": {"units": [{"name": "a.service"}, {"name": "b.service"}]}},
    ),
    "a drop-in twice": (
        _unit(contents=None, dropins=[{"name": "1.conf"}, {"name": "1.conf"}]),
        _unit(contents=None, dropins=[{"name": "1.conf"}, {"name": "2.conf"}]),
    ),
    "an argument both ways": (
        {"kernelArguments": {"shouldExist": ["quiet"], "shouldNotExist": ["quiet"]}},
        _files({"path": "/a"}),
    ),
    "a user twice": ({"passwd": {"users": [{"name": "core"}, {"name": "core"}]}}, {"passwd": {"users": []}}),
    "a relative path": (_files({"path": "ab"}), _files({"path": "/ab"})),
    "a slash at the end": (_files({"path": "/a/"}), _files({"path": "/a"})),
    "a mode as text": (_files({"path": "/a", "mode": "0644"}), _files({"path": "/a", "mode": 420})),
    "a mode with a fraction": (_files({"path": "/a", "mode": 420.0}), _files({"path": "/a", "mode": 0})),
    "a mode too high": (_files({"path": "/a", "mode": 9999}), _files({"path": "/a", "mode": 0o755})),
    "truth as text": (_unit(enabled="yes"), _unit(enabled=True)),
    "an owner twice": (
        _files({"path": "/a", "user": {"id": 0, "name": "root"}}),
        _files({"path": "/a", "user": {"id": 0}}),
    ),
    "a user that is not there": (
        _files({"path": "/a", "user": {"name": "nosuch"}}),
        _files({"path": "/a", "user": {"name": "root"}}),
    ),
    "overwriting with nothing": (
        _files({"path": "/a", "overwrite": True, "contents": {"sourc": "data:,x"}}),
        _files({"path": "/a", "contents": {"sourc": "data:,x"}}),
    ),
    "an unknown compression": (
        _files({"path": "/a", "contents": {**X, "compression": "xz"}}),
        _files({"path": "/a", "contents": {**X, "compression": ""}}),
    ),
    "below a file": (_files({"path": "/a"}, {"path": "/a/b"}), _files({"path": "/a/c"}, {"path": "/a/b"})),
    "below a link": (
        _files({"path": "/a/b"}, links=[{"path": "/a", "target": "/c"}]),
        _files({"path": "/ab"}, links=[{"path": "/a", "target": "/c"}]),
    ),
    "a link without a target": (
        {"storage": {"links": [{"path": "/a"}]}},
        {"storage": {"links": [{"path": "/a", "target": "/nowhere"}]}},
    ),
    "a hard link to nothing": (
        {"storage": {"links": [{"path": "/a", "target": "/b", "hard": True}]}},
        _files({"path": "/b"}, links=[{"path": "/a", "target": "/b", "hard": True}]),
    ),
    "a unit without suffix": (_unit("a"), _unit("a.timer")),
    "a drop-in without suffix": (
        _unit(contents=None, dropins=[{"name": "1", "contents": UNIT}]),
        _unit(contents=None, dropins=[{"name": "1.conf", "contents": UNIT}]),
    ),
    "a section without end": (_unit(contents="[Service\nExecStart=/x\n"), _unit(contents="[X]\n[Service]\nY=\n")),
    "garbage behind a section": (_unit(contents="[Service] x\nY=1\n"), _unit(contents="[Service]\t\nY=1\n")),
    "a line without =": (_unit(contents="[Service]\nY\n"), _unit(contents="x\n[Service]\n# y\n;z\nExecStart=\n")),
    "the rest of a line": (_unit(contents="[Service]\nY=1\n2\n"), _unit(contents="[Service]\nY=1\\\n2\n")),
}  # fmt: skip


def _is_applied(config: str, root: Path) -> bool:
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    try:
        apply_ignition(config, root, ignore_unsupported=True)
    except IgnitionError:
        return False
    return True


def _config(document: object) -> str:
    return json.dumps({"ignition": {"version": "3.3.0"}, **document})  # type: ignore[dict-item]


@pytest.mark.parametrize("name", PAIRS)
def test_a_refused_config_brings_no_machine_up(name: str, tmp_path: Path) -> None:
    for taken, document in enumerate(PAIRS[name]):
        config = _config(document)

        provisioned = read_ignition("n/n.ign", config)

        assert _is_applied(config, tmp_path / str(taken)) is bool(taken)
        assert provisioned.refused is not bool(taken), [str(one) for one in provisioned.unknown]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            '{"ignition": {"version": "3.3.0"}, "systemd": {"units": [{"name": "a.service", "Enabled": false}]}}',
            "Ignition takes Enabled for enabled; write enabled",
        ),
        (
            '{"ignition": {"version": "3.3.0"}, "storage": {}, "storage": {}}',
            "storage stands twice in one object, of which Ignition mixes both; write it once",
        ),
    ],
)
def test_a_key_that_go_reads_otherwise_makes_the_config_unknown(config: str, said: str) -> None:
    (unknown,) = read_ignition("n/n.ign", config).unknown

    assert unknown.whole
    assert unknown.reason.startswith(said)


def test_packed_contents_are_read() -> None:
    packed = "data:;base64," + base64.b64encode(gzip.compress(b"net.ipv4.ip_forward = 1\n")).decode()
    contents = {"source": packed, "compression": "gzip"}

    provisioned = read_ignition("n/n.ign", _config(_files({"path": "/etc/sysctl.d/9.conf", "contents": contents})))

    assert provisioned.files["/etc/sysctl.d/9.conf"].content == b"net.ipv4.ip_forward = 1\n"
    assert provisioned.unknown == []


REMOVED: dict[str, tuple[dict[str, object], str]] = {
    "a folder": (
        {"storage": {"directories": [{"path": "/etc/systemd", "overwrite": True}]}},
        "removes all that the system has there",
    ),
    "an argument": (
        {"kernelArguments": {"shouldNotExist": ["net.ifnames=0"]}},
        "without this argument cards may be called otherwise",
    ),
}


@pytest.mark.parametrize(("more", "said"), REMOVED.values())
def test_what_the_system_needs_is_not_to_be_removed(more: dict[str, object], said: str) -> None:
    (unknown,) = read_ignition("n/n.ign", _config(more)).unknown

    assert said in unknown.reason


@pytest.mark.parametrize(
    "document",
    [
        {"storage": None, "systemd": {"units": None}},
        {"storage": {"files": None, "links": None, "directories": None, "filesystems": None}, "passwd": None},
        {"ignition": {"version": "3.3.0", "config": {}, "timeouts": {"httpTotal": 30}, "security": {"tls": {}}}},
        {"storage": {"directories": [{"path": "/opt/data", "overwrite": True}]}},
        {"kernelArguments": {"shouldNotExist": ["rd.shell", "quiet"]}},
    ],
)
def test_what_says_nothing_is_no_finding(document: dict[str, object]) -> None:
    assert read_ignition("n/n.ign", _config(document)).unknown == []
