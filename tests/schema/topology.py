"""A small topology that conforms, and what is said of others."""

from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, validate
from netwright.text.load import load
from netwright.text.report import Report
from netwright.text.source import Source

BASE = """\
version: 1
name: kube-lab
networks:
  lan: {cidr: 192.168.0.0/24}
nodes:
  n1: {interfaces: {eth0: {network: lan, address: 192.168.0.2}}}
"""


def titles(text: str) -> list[str]:
    source = Source(name="t.yaml", text=text)
    document, report = load(source)
    assert report == Report()
    found = Report.about(source, validate(document, TOPOLOGY_SCHEMA)).findings()
    return [finding.title.removeprefix("t.yaml:").replace(": error: ", " ", 1) for finding in found]
