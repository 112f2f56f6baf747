"""Whatever the input is, there is an answer and never a traceback."""

from pathlib import Path
from typing import Any

from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from netwright.butane import compile_document, dump_ignition
from netwright.butane.shape import VERSIONS, specification
from netwright.commands.butane import butane

VECTORS = Path(__file__).parent / "vectors"
_TEXTS = [path.read_bytes() for path in sorted(VECTORS.glob("*/*.bu")) if path.stat().st_size < 2000]
_HEADER = b"variant: flatcar\nversion: 1.1.0\n"
_PIECES = st.sampled_from(
    [
        *b"storage: files: units: systemd: passwd: users: name: mode: contents: inline:".split(b" "),
        *b"&a *a <<: !!binary !!int ~".split(b" "),
        *b"[ ] { } , ? : - ' \" \\ # % 0o7 -0x 1e999 99999999999999999999 ... --- |+2 >- %ZZ !".split(b" "),
        *[
            b" ",
            b"\n",
            b"\n  ",
            b"\n    ",
            b"\n      ",
            b"\t",
            b"\r",
            b"\x00",
            b"\xff",
            b"\xef\xbb\xbf",
            b"\xe2\x80\xa8",
        ],
        *[b": ", b"- ", b", ", b"- path: /a", b"name: a.service", b"inline: |\n", b"mode: 0644"],
    ]
)


def _run(contents: bytes) -> None:
    result = CliRunner().invoke(butane, ["-"], input=contents)

    assert result.exit_code in {0, 1}
    assert (result.exit_code == 0) == bool(result.stdout)
    assert result.exit_code == 0 or result.stderr


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"[" * 30_000)
@example(b"9" * 5_000)
@example(_HEADER + b"passwd: {users: [{uid: " + b"9" * 5_000 + b"}]}")
@example("variant: flatcar\nversion: 1.0.0\n".encode("utf-16"))
def test_any_bytes(contents: bytes) -> None:
    _run(contents)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=40).map(b"".join))
def test_any_words_of_yaml(body: bytes) -> None:
    _run(_HEADER + body)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_change_of_a_document(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(_TEXTS))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    piece = data.draw(_PIECES | st.binary(max_size=4) | st.just(text[start:end] * 2))

    _run(text[:start] + piece + text[end:])


_NAMES = sorted(
    {field.name for shape in specification("1.1.0").shapes.values() for field in shape.fields} - {"variant"}
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["/a", "a.service"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), below, max_size=4),
    max_leaves=15,
)
_SECTIONS = st.dictionaries(
    st.sampled_from(["ignition", "kernel_arguments", "passwd", "storage", "systemd"]),
    st.dictionaries(st.sampled_from(_NAMES), st.lists(_VALUES, max_size=3) | _VALUES, max_size=4),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_SECTIONS, st.sampled_from(VERSIONS))
@example({"storage": {"files": [None]}}, "1.0.0")
@example({"storage": {"files": [{"append": [None], "contents": None}]}}, "1.0.0")
def test_any_plain_data(sections: dict[str, Any], version: str) -> None:
    compiled = compile_document({"variant": "flatcar", "version": version, **sections})

    assert (compiled.ignition is None) == any(found.severity == "error" for found in compiled.diagnostics)
    if compiled.ignition is not None:
        assert dump_ignition(compiled.ignition).startswith('{"ignition":')
