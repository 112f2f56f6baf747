"""Entries of write_files, as the real cloud-init's module takes them, and the other files of its seed."""

import base64
import gzip
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from netwright.verify.reading.delivery import read_delivery
from netwright.verify.reading.formats.cloudinit import read_user_data
from netwright.verify.reading.formats.nocloud import is_disabled, read_meta_data

TEXT = "net.ipv4.ip_forward = 1\n"
BASE64, PACKED = base64.b64encode(TEXT.encode()).decode(), base64.b64encode(gzip.compress(TEXT.encode())).decode()
AFTER = "/etc/sysctl.d/z.conf"

ENTRIES: dict[str, dict[str, object]] = {
    "plain": {"content": TEXT},
    "bytes": {"content": TEXT.encode()},
    "base64": {"content": BASE64, "encoding": "b64"},
    "packed": {"content": PACKED, "encoding": "gz+b64"},
    "packed, in other words": {"content": PACKED, "encoding": " GZip+Base64 "},
    "an unknown encoding": {"content": TEXT, "encoding": "utf-8"},
    "a mode in quotes": {"content": TEXT, "permissions": "0600"},
    "a mode without quotes": {"content": TEXT, "permissions": 0o600},
    "a mode without quotes and zero": {"content": TEXT, "permissions": 600},
    "a mode in letters": {"content": TEXT, "permissions": "u=rw"},
    "no mode": {"content": TEXT, "permissions": None},
    "an owner of the system": {"content": TEXT, "owner": "root:root"},
    "a group of the system": {"content": TEXT, "owner": "root:sys"},
    "no owner": {"content": TEXT, "owner": ":"},
    "no content": {},
}
STOPS: dict[str, dict[str, object]] = {
    "base64 that is none": {"content": "hello", "encoding": "b64"},
    "packed that is not": {"content": BASE64, "encoding": "gz+b64"},
    "a number": {"content": 1},
    "nothing": {"content": None},
    "an unknown user": {"content": TEXT, "owner": "nosuch:root"},
    "an unknown group": {"content": TEXT, "owner": "root:nosuch"},
    "an owner by number": {"content": TEXT, "owner": "0:0"},
    "an owner that is a number": {"content": TEXT, "owner": 1},
}

_JUDGE = """
import json, os, sys, yaml
from cloudinit.config import cc_write_files as module
folder, answers = sys.argv[1], {}
for name, entry in yaml.safe_load(sys.stdin).items():
    path = os.path.join(folder, str(len(answers)))
    try:
        module.write_files("x", [{**entry, "path": path}], "root:root")
        answers[name] = [open(path).read(), os.stat(path).st_mode & 0o7777]
    except Exception:
        answers[name] = None
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object] | None]:
    """Content and mode of what cloud-init itself writes of each entry, None where it raises an exception."""
    ran = subprocess.run(
        ["/usr/bin/python3", "-c", _JUDGE, str(tmp_path_factory.mktemp("written"))],
        input=yaml.safe_dump(ENTRIES | STOPS), text=True, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def _user_data(*entries: Mapping[str, object]) -> str:
    return "#cloud-config\n" + yaml.safe_dump({"write_files": list(entries)}, sort_keys=False)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_file_is_read_as_cloud_init_writes_it(name: str, answers: dict[str, list[object] | None]) -> None:
    provisioned = read_user_data("n/user-data", _user_data({"path": "/opt/x", **ENTRIES[name]}))

    file = provisioned.files["/opt/x"]
    assert provisioned.unknown == []
    assert [file.content.decode(), file.mode] == answers[name]


@pytest.mark.parametrize("name", STOPS)
def test_nothing_is_written_after_what_cloud_init_stops_at(name: str, answers: dict[str, list[object] | None]) -> None:
    after = {"path": AFTER, "content": TEXT}

    provisioned = read_user_data("n/user-data", _user_data({"path": "/opt/x", **STOPS[name]}, after))

    assert answers[name] is None
    (unknown,) = provisioned.unknown
    assert unknown.reason.startswith("cloud-init stops at this file: ")
    assert unknown.reason.endswith("; what follows is not written")
    assert (str(unknown.origin), AFTER in provisioned.files) == ("n/user-data:3", False)


def test_a_file_with_an_owner_to_come_may_be_deferred() -> None:
    entry = {"path": "/opt/x", "owner": "app:app", "content": "x", "defer": True}

    assert read_user_data("n/user-data", _user_data(entry, {"path": AFTER, "content": TEXT})).unknown == []


def test_what_is_appended_follows_what_is_written() -> None:
    entries = ({"path": AFTER, "content": TEXT}, {"path": AFTER, "content": "vm.swappiness = 1\n", "append": True})

    provisioned = read_user_data("n/user-data", _user_data(*entries))

    assert provisioned.files[AFTER].content.decode() == TEXT + "vm.swappiness = 1\n"


@pytest.mark.parametrize(
    ("text", "early", "fault"),
    [
        ("instance-id: a\ndsmode: local\n", True, None),
        ('{"instance-id": "a", "dsmode": "local"}', True, None),
        ("instance-id: a\n", False, None),
        ("dsmode: local\n  x: [\n", False, None),
        ("", False, None),
        (None, False, "without meta-data cloud-init takes no seed, and writes nothing of user-data"),
        ("dsmode: disabled\n", False, "with `dsmode: disabled` cloud-init takes no seed"),
        ("seedfrom: http://x/\n", False, "cloud-init takes user-data from http://x/ instead (seedfrom)"),
    ],
)
def test_meta_data_decides_whether_a_seed_counts(text: str | None, early: bool, fault: str | None) -> None:
    meta = read_meta_data(text.encode() if text is not None else None)

    assert (meta.early, meta.fault) == (early, fault)


@pytest.mark.parametrize(
    ("text", "disabled"),
    [
        ("network:\n  config: disabled\n", True),
        ("# ours\nnetwork: {config: disabled}\n", True),
        ("config: disabled\n", True),
        ("", False),
        ("network: {version: 2}\n", False),
        ("network: [\n", False),
    ],
)
def test_a_network_config_may_leave_the_network_alone(text: str, disabled: bool) -> None:
    assert is_disabled(text.encode()) is disabled


@pytest.mark.parametrize(
    ("vendor", "known"), [("#cloud-config\n{}\n", True), ("", True), ("#cloud-config\nruncmd: [reboot]\n", False)]
)
def test_vendor_data_is_not_read(tmp_path: Path, vendor: str, known: bool) -> None:
    seed = tmp_path / "n/cloud-init"
    seed.mkdir(parents=True)
    (seed / "user-data").write_text(_user_data())
    (seed / "meta-data").write_text("dsmode: local\n")
    (seed / "network-config").write_text("network: {config: disabled}\n")
    (seed / "vendor-data").write_text(vendor)

    unknown = read_delivery(tmp_path, "n").unknown

    assert [one.origin.file for one in unknown] == ([] if known else ["n/cloud-init/vendor-data"])
