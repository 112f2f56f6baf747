"""Documents as YAML text."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.butane import compile_document, dump_butane, dump_ignition, text_of, transpile
from netwright.text.source import Source
from tests.butane.documents import TEXT, Document, documents

READABLE = """\
variant: flatcar
version: 1.0.0
storage:
  directories: []
  files:
    - path: /etc/hostname
      overwrite: true
      mode: 0644
      contents:
        inline: master1
    - path: /usr/local/bin/hello
      mode: 0
      contents:
        inline: |
          #!/bin/sh

          echo "hello"
    - path: /etc/no-newline
      contents:
        inline: |-
          a
          b
"""


def test_dump_is_as_people_write_it() -> None:
    document = yaml.safe_load(READABLE)

    assert dump_butane(document) == READABLE


QUOTED = {
    "nothing": ("", '""'),
    "null": ("null", '"null"'),
    "truth": ("Yes", '"Yes"'),
    "number": ("0644", '"0644"'),
    "version": ("1.0.0", "1.0.0"),
    "date": ("2001-01-01", '"2001-01-01"'),
    "comment": ("a #b", '"a #b"'),
    "key": ("a: b", '"a: b"'),
    "colon-at-the-end": ("a:", '"a:"'),
    "space-at-the-end": ("a ", '"a "'),
    "key-of-ssh": ("ssh-ed25519 AAAA+/= me@host", "ssh-ed25519 AAAA+/= me@host"),
    "return": ("a\r\nb", '"a\\r\\nb"'),
    "only-newlines": ("\n\n", '"\\n\\n"'),
    "space-first-in-a-block": (" a\nb\n", '" a\\nb\\n"'),
    "two-newlines-at-the-end": ("a\n\n", '"a\\n\\n"'),
    "control": ("\x7f\x85\u2028\ufeff", '"\\u007f\\u0085\\u2028\\ufeff"'),
    "not-text": (text_of(b"\xff\x00"), '!!binary "/wA="'),
}


@pytest.mark.parametrize(("text", "written"), QUOTED.values(), ids=QUOTED.keys())
def test_text_is_quoted_where_it_would_be_read_otherwise(text: str, written: str) -> None:
    assert dump_butane({"a": text}) == f"a: {written}\n"


_TREES = st.recursive(
    TEXT | st.integers() | st.booleans(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXT.filter(lambda key: key != "mode"), _TREES, max_size=4))
def test_any_yaml_parser_reads_the_dump_back(value: dict[str, Any]) -> None:
    text = dump_butane(value)

    assert yaml.safe_load(text) == value


@settings(max_examples=80, deadline=None)
@given(documents())
def test_the_dump_compiles_to_the_same_config(document: Document) -> None:
    compiled = compile_document(document)
    assert compiled.ignition is not None

    result = transpile(Source(name="a.bu", text=dump_butane(document)))

    assert result.ignition == dump_ignition(compiled.ignition)
