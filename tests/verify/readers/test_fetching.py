"""Where the real Ignition stops at a file, verify says that the machine does not come up."""

import base64
import gzip
import hashlib
import json
from pathlib import Path

import pytest

from netwright.verify.reading.formats.ignition import read_ignition
from tests.rigs.ignition import IgnitionError, apply_ignition

CONTENT = b"net.ipv4.ip_forward = 1\n"
SOURCE = "data:,net.ipv4.ip_forward%20%3D%201%0A"
ZIPPED = "data:;base64," + base64.b64encode(gzip.compress(CONTENT)).decode()
SHA512, SHA256 = (f"{kind}-{hashlib.new(kind, CONTENT).hexdigest()}" for kind in ("sha512", "sha256"))

TAKEN = {
    "no hash": {"source": SOURCE},
    "its hash": {"source": SOURCE, "verification": {"hash": SHA512}},
    "its shorter hash": {"source": SOURCE, "verification": {"hash": SHA256}},
    "gzip with the hash of what is in it": {
        "source": ZIPPED, "compression": "gzip", "verification": {"hash": SHA512},
    },
}  # fmt: skip
REFUSED = {
    "another hash": {"source": SOURCE, "verification": {"hash": f"sha512-{'0' * 128}"}},
    "gzip with the hash of the archive": {
        "source": ZIPPED,
        "compression": "gzip",
        "verification": {"hash": f"sha512-{hashlib.sha512(gzip.compress(CONTENT)).hexdigest()[:-4]}dead"},
    },
    "no gzip": {"source": SOURCE, "compression": "gzip"},
    "an unknown kind of hash": {"source": SOURCE, "verification": {"hash": "md5-0123"}},
    "a hash too short": {"source": SOURCE, "verification": {"hash": "sha512-0123"}},
    "broken base64": {"source": "data:;base64,%%%"},
    "an unknown scheme": {"source": "gopher://example.com/x"},
}


def _config(contents: object, path: str = "/etc/sysctl.d/90-x.conf") -> str:
    return json.dumps({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": path, "contents": contents}]}})


def _is_applied(contents: object, root: Path) -> bool:
    try:
        apply_ignition(_config(contents), root)
    except IgnitionError:
        return False
    return True


@pytest.mark.parametrize("name", [*TAKEN, *REFUSED])
def test_verify_knows_where_ignition_stops(name: str, tmp_path: Path) -> None:
    contents = (TAKEN | REFUSED)[name]

    provisioned = read_ignition("n/n.ign", _config(contents))

    assert _is_applied(contents, tmp_path) is (name in TAKEN)
    assert provisioned.refused is (name in REFUSED)


def test_the_machine_does_not_come_up_for_a_file_of_no_concern_to_the_network() -> None:
    (unknown,) = read_ignition("n/n.ign", _config(REFUSED["another hash"], "/opt/backup.sh")).unknown

    assert unknown.whole
    assert unknown.cause == (
        "Ignition stops at /opt/backup.sh, and the machine does not come up: "
        "verification.hash is sha512-000000000000..., its contents have " + SHA512[7:19] + "..."
    )


@pytest.mark.parametrize("url", ["https://example.com/x", "http://10.0.0.1/x", "tftp://10.0.0.1/x", "s3://b/x"])
def test_what_is_fetched_from_elsewhere_is_assumed_to_be_there(url: str) -> None:
    provisioned = read_ignition("n/n.ign", _config({"source": url}, "/opt/k3s.raw"))

    assert (provisioned.refused, provisioned.fetched) == (False, True)
