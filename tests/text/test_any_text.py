"""No bytes whatever make loading fail otherwise than by a finding with a place."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwright.text.envelope import render_envelope
from netwright.text.load import load, read_source
from netwright.text.report import render_text
from netwright.text.source import Source

TOPOLOGY = """\
version: 1
name: kube-lab
networks:
  lan:    {cidr: 192.168.0.0/24, router: router}   # a comment
  "kube01": {cidr: '10.17.3.0/24', libvirt: {bridge: virbr_kube01, forward: open}}
nodes:
  lb1:
    os: rocky9
    interfaces:
      eth0: {network: kube01, address: [10.17.3.12, 10.17.3.13], mac: 52:54:00:12:34:56}
    routes:
      - {to: 10.42.6.0/24, via: 10.17.4.25, onlink: true, metric: 0x10}
      - to: default
        via: >-
          router
"""
FRAGMENTS = [
    *"[]{}:,-?&*!|>%@`'\"#~\n\t\r \\",
    *(
        "---\n",
        "...\n",
        "<<: ",
        "&a ",
        "*a",
        "!!str ",
        "%YAML 1.1\n",
        "\x00",
        "\ufeff",
        "\u2028",
        "\x85",
        "\ud800",
        "\u202e",
    ),
    *("1e999", "0x", "9" * 40, '"\\', "? ", "- - - ", "[[[[", ": : ", "\U0001f600", "a: "),
]


def check(text: str) -> None:
    source = Source(name="t.yaml", text=text)
    document, report = load(source)
    assert (document is None) == (report.errors > 0)
    for finding in report.findings():
        assert finding.position is not None
        assert 1 <= finding.position.line <= text.replace("\r\n", "\n").count("\n") + 1
        assert finding.position.column >= 1
    assert render_text(report).isprintable() or "\n" in render_text(report)
    render_envelope({}, report)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_loaded_or_reported(text: str) -> None:
    check(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*FRAGMENTS, *TOPOLOGY.split(" ")]), max_size=40))
def test_any_sequence_of_yaml_s_own_signs_is_loaded_or_reported(parts: list[str]) -> None:
    check("".join(parts))


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(TOPOLOGY)), st.integers(0, 12), st.sampled_from(FRAGMENTS)), min_size=1, max_size=6
    )
)
def test_any_mutilated_topology_is_loaded_or_reported(edits: list[tuple[int, int, str]]) -> None:
    text = TOPOLOGY
    for start, length, fragment in edits:
        text = text[:start] + fragment + text[start + length :]

    check(text)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200), st.integers(0, len(TOPOLOGY)))
def test_any_bytes_are_read_or_reported(content: bytes, start: int) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "topology.yaml"
        path.write_bytes(TOPOLOGY.encode()[:start] + content)

        source, report = read_source(path)

    render_text(report)
    if source is None:
        assert report.errors == 1
    else:
        assert source.text is not None
        check(source.text)
