"""Data URLs and JSON as Butane writes them."""

import json
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.butane import bytes_of, dump_ignition, text_of
from netwright.butane.encoding import data_url
from tests.butane.reading import contents

URLS = {
    "nothing": ("", "data:,"),
    "unreserved": ("aZ09-_.!~*'()", "data:,aZ09-_.!~*'()"),
    "percent": ("%41 100%", "data:,%2541%20100%25"),
    "reserved": ("a/b?c=d&e", "data:,a%2Fb%3Fc%3Dd%26e"),
    "same-length-stays-percent": ("aaaaaaaaaaaa/", "data:,aaaaaaaaaaaa%2F"),
    "base64-where-shorter": ("//////////", "data:;base64,Ly8vLy8vLy8vLw=="),
    "not-ascii": ("aaaaaaaaaaaaaaé", "data:,aaaaaaaaaaaaaa%C3%A9"),
    "not-text": ("aaaaaaaaaaa\udcff", "data:,aaaaaaaaaaa%FF"),
}


@pytest.mark.parametrize(("text", "url"), URLS.values(), ids=URLS.keys())
def test_data_url_is_percent_encoded_or_base64(text: str, url: str) -> None:
    assert data_url(text) == url


@given(st.binary(max_size=300))
def test_data_url_holds_the_bytes_in_the_shorter_encoding(data: bytes) -> None:
    url = data_url(text_of(data))

    assert contents({"source": url}) == data
    percent = "".join(
        chr(byte) if (chr(byte).isalnum() and byte < 128) or chr(byte) in "-_.!~*'()" else "%XX" for byte in data
    )
    assert len(url) == min(len("data:,") + len(percent), len("data:;base64,") + (len(data) + 2) // 3 * 4)


@given(st.binary())
def test_bytes_survive_as_text(data: bytes) -> None:
    assert bytes_of(text_of(data)) == data


STRINGS = {
    "html": ("<a>&", "\\u003ca\\u003e\\u0026"),
    "short-escapes": ('"\\\n\r\t', '\\"\\\\\\n\\r\\t'),
    "long-escapes": ("\b\f\x00\x1f", "\\u0008\\u000c\\u0000\\u001f"),
    "backslash-b-is-two-characters": ("\\b\\f\b", "\\\\b\\\\f\\u0008"),
    "line-separators": ("\u2028\u2029", "\\u2028\\u2029"),
    "raw": ("é\x7f\x85😀", "é\x7f\x85😀"),
    "not-text": ("\udcff\udc80", "\\ufffd\\ufffd"),
}


@pytest.mark.parametrize(("text", "written"), STRINGS.values(), ids=STRINGS.keys())
def test_json_strings_are_escaped_as_go_does(text: str, written: str) -> None:
    assert dump_ignition({"a": text}) == f'{{"a":"{written}"}}\n'


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers() | st.booleans(), max_size=5))
def test_json_reads_back(config: dict[str, object]) -> None:
    assert json.loads(dump_ignition(config)) == config
    assert json.loads(dump_ignition(config, pretty=True)) == config


def test_percent_escapes_are_upper_case_hexadecimal() -> None:
    assert unquote_to_bytes(data_url("\x1f").removeprefix("data:,")) == b"\x1f"
    assert data_url("\x1f") == "data:,%1F"
