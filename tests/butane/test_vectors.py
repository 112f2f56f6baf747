"""The real program's output for many inputs, which ours must be the same as."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from netwright.butane import transpile
from netwright.commands.butane import butane
from netwright.text.report import LocatedDiagnostic, Severity
from netwright.text.source import Source
from tests.butane.reading import decoded

VECTORS = Path(__file__).parent / "vectors"
Vector = dict[str, Any]

_ALL: list[Vector] = json.loads((VECTORS / "index.json").read_text())["vectors"]
_REFUSED = "003-minimal-1.2.0-experimental"


def _of_kind(*kinds: str) -> pytest.MarkDecorator:
    chosen = [vector for vector in _ALL if vector["kind"] in kinds and vector["name"] != _REFUSED]
    return pytest.mark.parametrize("vector", chosen, ids=lambda vector: vector["name"])


def _transpile(vector: Vector, *, pretty: bool = False) -> tuple[str | None, tuple[LocatedDiagnostic, ...]]:
    source = Source(name=vector["input"], text=(VECTORS / vector["input"]).read_bytes().decode())
    files_dir = VECTORS / "files-dir" if "-d" in vector["args"] else None
    result = transpile(source, files_dir=files_dir, pretty=pretty)
    return result.ignition, result.report.findings()


@_of_kind("valid", "warn")
@pytest.mark.parametrize("form", ["ign", "pretty"])
def test_output_is_the_real_programs(vector: Vector, form: str) -> None:
    expected = (VECTORS / vector[form]).read_bytes().decode()

    ours, _ = _transpile(vector, pretty=form == "pretty")

    assert ours is not None
    assert ours == expected or (vector["uses_gzip"] and decoded(ours) == decoded(expected))


@_of_kind("valid")
def test_valid_input_has_no_findings(vector: Vector) -> None:
    _, findings = _transpile(vector)

    assert findings == ()


@_of_kind("warn")
def test_warning_stands_where_the_real_program_puts_it(vector: Vector) -> None:
    _, findings = _transpile(vector)

    assert [(found.position.line, found.position.column) for found in findings if found.position] == [
        tuple(vector["reported_at"])
    ]
    assert {found.diagnostic.severity for found in findings} == {Severity.WARNING}


@_of_kind("invalid")
def test_error_stands_where_the_real_program_puts_it(vector: Vector) -> None:
    ours, findings = _transpile(vector)

    assert findings
    assert "--strict" in vector["args"] or ours is None
    if "reported_at" in vector:
        expected = tuple(vector["reported_at"])
        places = [(found.position.line, found.position.column) for found in findings if found.position]
        assert expected in [place[: len(expected)] for place in places]


@_of_kind("valid", "warn", "invalid")
def test_our_config_is_never_compressed(vector: Vector) -> None:
    text = (VECTORS / vector["input"]).read_text()

    ours, _ = _transpile(vector)

    assert "gzip" in text or '"compression":"gzip"' not in (ours or "")


def test_experimental_version_is_refused_by_name() -> None:
    vector = next(vector for vector in _ALL if vector["name"] == _REFUSED)

    ours, findings = _transpile(vector)

    assert ours is None
    [message] = [found.diagnostic.message for found in findings]
    refusal, reason, advice = message.split("; ")
    assert refusal == "version 1.2.0-experimental of variant flatcar is not supported"
    assert reason == "an experimental version may change under a running cluster"
    assert advice == "use 1.0.0 or 1.1.0"


@_of_kind("valid", "warn", "invalid")
def test_the_command_takes_the_real_programs_arguments(vector: Vector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(VECTORS)

    result = CliRunner().invoke(butane, [*vector["args"], vector["input"]])

    assert result.exit_code == vector["rc"]
    assert bool(result.stdout) == (vector["rc"] == 0)
