"""Plain scalars are what YAML 1.2's core schema says, whatever YAML 1.1 readers make of them."""

import pytest

from netwright.text.load import load
from netwright.text.scalars import LARGEST_NUMBER, Scalar
from netwright.text.source import Source


def value_of(text: str) -> object:
    document, report = load(Source(name="t.yaml", text=f"key: {text}\n"))
    assert report.entries == ()
    assert isinstance(document, dict)
    return document["key"]


def rules_of(text: str) -> list[str]:
    _, report = load(Source(name="t.yaml", text=f"key: {text}\n"))
    return [diagnostic.rule for _, diagnostic in report.entries]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("52:54:00:12:34:56", "52:54:00:12:34:56"),
        ("10:20:30:40:50:55", "10:20:30:40:50:55"),
        ("1:30", "1:30"),
        ("no", "no"),
        ("off", "off"),
        ("y", "y"),
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("2024-01-01", "2024-01-01"),
        ("10.17.4.21", "10.17.4.21"),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("1.1.0", "1.1.0"),
        ("=", "="),
        ("nUll", "nUll"),
        ("tRUE", "tRUE"),
        ("-", None),
        ("+", "+"),
        (".", "."),
        ("1e", "1e"),
    ],
)
def test_what_yaml_1_1_would_read_otherwise_is_text(written: str, value: Scalar) -> None:
    if value is None:
        value = written
        written = f'"{written}"'

    assert value_of(written) == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("+7", 7),
        ("1500.0", 1500),
        ("1e3", 1000),
        ("-0.0", 0),
        (str(LARGEST_NUMBER), LARGEST_NUMBER),
        (str(-LARGEST_NUMBER - 1), -LARGEST_NUMBER - 1),
        ("1.10", 1.1),
        (".5", 0.5),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
    ],
)
def test_core_scalars_have_their_type(written: str, value: Scalar) -> None:
    read = value_of(written)

    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize("written", ["'010'", '"true"', "'~'", "''", '"1e3"'])
def test_quoted_scalars_are_text(written: str) -> None:
    assert value_of(written) == written[1:-1]


@pytest.mark.parametrize(
    "written",
    ["9" * 4301, "0" * 4301, "0x" + "f" * 5000, str(LARGEST_NUMBER + 1), "1e999", "-1e19", ".inf", "-.INF", ".nan"],
    ids=["4301-digits", "4301-zeros", "hex", "65-bits", "overflow", "float-beyond-64-bits", "inf", "-inf", "nan"],
)
def test_numbers_beyond_64_bits_are_refused(written: str) -> None:
    assert rules_of(written) == ["numbers_are_bounded"]
