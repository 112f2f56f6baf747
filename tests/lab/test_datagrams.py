"""Protocols without plain sockets: their packets, and conversations of them in the lab."""

import json
import struct
from pathlib import Path

import pytest

from netwright.lab.datagrams import DATAGRAMS, _crc32c, answer_to, decode, encode
from netwright.verify.values.packets import SCTP
from tests.lab.running import lab
from tests.netwright import netwright

_TOPOLOGY = """\
version: 1
name: datagrams
networks: {lbs: {cidr: 10.17.5.0/24}}
defaults: {os: flatcar, default_route: none, firewall: {input: {policy: drop}}}
nodes:
  ha1: {interfaces: {eth0: {network: lbs, address: 10.17.5.20}}}
  ha2: {interfaces: {eth0: {network: lbs, address: 10.17.5.21}}}
  ha3: {interfaces: {eth0: {network: lbs, address: 10.17.5.22}}}
flows:
  open: {from: [ha1], to: [ha2], allow: [vrrp, esp, ah, gre, sctp/80]}
  closed: {from: [ha3], to: [ha1], deny: [vrrp, esp, ah, gre, sctp]}
"""


@pytest.mark.parametrize("protocol", DATAGRAMS)
def test_a_question_is_told_from_its_answer(protocol: int) -> None:
    question = encode(protocol, 40001, 80, answer=False)
    answer = answer_to(protocol, question)

    assert answer is not None
    assert (decode(protocol, question), decode(protocol, answer)) == ((40001, False), (40001, True))
    assert answer_to(protocol, answer) is None
    assert decode(protocol, b"") is None


def test_sctp_has_the_checksum_that_connection_tracking_wants() -> None:
    packet = encode(SCTP, 1, 2, answer=False)

    assert struct.unpack("<I", packet[8:12])[0] == _crc32c(packet[:8] + bytes(4) + packet[12:])
    assert _crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


def test_every_protocol_of_a_flow_is_sent_and_answered(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(_TOPOLOGY, encoding="utf-8")
    netwright("generate", "-q", cwd=tmp_path)

    done = lab(str(tmp_path / "topology.yaml"), "-o", str(tmp_path / "out"), "--format", "json")

    flows = {flow["name"]: flow for flow in json.loads(done.stdout)["flows"]}
    sent = {name: {probe["protocol"] for probe in flow["probes"]} for name, flow in flows.items()}
    assert sent == {name: {"vrrp", "esp", "ah", "gre", "sctp"} for name in ("open", "closed")}
    assert all(probe["agrees"] for flow in flows.values() for probe in flow["probes"])
    assert done.returncode == 0
