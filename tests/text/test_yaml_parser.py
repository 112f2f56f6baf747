"""Deep nesting is answered by our own limits, with one message at one place, whatever limit PyYAML's release has."""

from collections.abc import Callable, Iterable

import pytest

from netwright.butane import transpile
from netwright.targets.yaml11 import load_yaml11
from netwright.text.load import load
from netwright.text.report import Report
from netwright.text.source import Position, Source, locate
from netwright.text.yaml_parser import PARSER_LIMIT
from netwright.verify.reading.formats.cloudinit import read_user_data

BEYOND = PARSER_LIMIT + 1
"""More levels than some release of the parser takes, in so few characters that the parser reads all of them ahead."""
BUTANE, CLOUD_CONFIG = "variant: flatcar\nversion: 1.0.0\n", "#cloud-config\n"


def _places(report: Report) -> list[str]:
    return [f"{f.position.line}:{f.position.column} {f.diagnostic.rule}" for f in report.findings() if f.position]


def of_topology(text: str) -> list[str]:
    return _places(load(Source(name="t", text=text))[1])


def of_snippet(text: str) -> list[str]:
    return _places(load_yaml11(Source(name="t", text=text))[1])


def of_butane(text: str) -> list[str]:
    return _places(transpile(Source(name="t", text=text)).report)


def of_user_data(text: str) -> list[str]:
    return [f"{unknown.origin.line} {unknown.reason.split(';')[0]}" for unknown in read_user_data("t", text).unknown]


CASES: dict[str, tuple[Callable[[str], Iterable[str]], str, list[str]]] = {
    "topology-lists": (of_topology, "[" * BEYOND, ["1:33 nesting_is_bounded"]),
    "topology-lists-on-lines": (of_topology, "[\n" * BEYOND, ["33:1 nesting_is_bounded"]),
    "topology-blocks": (of_topology, "- " * BEYOND, ["1:65 nesting_is_bounded"]),
    "topology-other-findings": (
        of_topology,
        "{a: 1, a: 2, b: " + "[" * BEYOND,
        ["1:8 keys_are_unique", "1:48 nesting_is_bounded"],
    ),
    "topology-broken-before": (of_topology, "[]" + "[" * BEYOND, ["1:3 text_is_yaml"]),
    "snippet-lists": (of_snippet, "a: 1\nb: " + "[" * BEYOND, ["2:35 snippets_are_yaml"]),
    "snippet-key-twice": (of_snippet, "{a: 1, a: " + "[" * BEYOND, ["1:8 snippets_are_yaml"]),
    "butane-lists": (of_butane, BUTANE + "a: " + "[" * BEYOND, ["3:103 text_is_yaml"]),
    "butane-blocks": (of_butane, BUTANE + "a:\n " + "- " * BEYOND, ["4:200 text_is_yaml"]),
    "butane-second-document": (of_butane, BUTANE + "---\n" + "[" * BEYOND, []),
    "butane-broken-before": (of_butane, BUTANE + "a: ]" + "[" * BEYOND, ["2:1 text_is_yaml"]),
    "user-data-lists": (of_user_data, CLOUD_CONFIG + "a: 1\nb: " + "[" * BEYOND, ["1 not a #cloud-config document"]),
    "user-data-closed": (
        of_user_data,
        CLOUD_CONFIG + "a: " + "[" * BEYOND + "]" * BEYOND,
        ["1 not a #cloud-config document"],
    ),
    "user-data-within": (of_user_data, CLOUD_CONFIG + "a: " + "[" * 400 + "]" * 400, []),
}


@pytest.mark.parametrize(("read", "text", "expected"), CASES.values(), ids=CASES.keys())
def test_our_own_limit_speaks_first(read: Callable[[str], list[str]], text: str, expected: list[str]) -> None:
    assert read(text) == expected


def test_what_stands_before_deep_nesting_is_located() -> None:
    text = "{a: 1, b: {c: " + "[" * BEYOND

    located = locate(Source(name="t", text=text), [("b", "c")])

    assert located["b", "c"].key == Position(line=1, column=12)
