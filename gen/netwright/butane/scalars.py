"""Meaning to Go of an unquoted word of YAML: the numbers, truth values and nothing that Butane knows."""

import math
import re

from netwright.butane.dialect import YamlError
from netwright.butane.encoding import decode_base64, text_of
from netwright.butane.nodes import Scalar

Resolved = None | bool | int | float | str

_WORDS: dict[str, Resolved] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TAG_PREFIXES = ("tag:yaml.org,2002:", "!!")  # the second only as !<!!int>
_TAGS = frozenset({None, "binary", "str", "bool", "int", "float", "null", "timestamp"})


def resolve(scalar: Scalar) -> Resolved:
    """The scalar's value; raises YamlError if it does not match its tag."""
    tag = _tag_name(scalar.tag)
    if tag not in _TAGS:
        return scalar.text  # a tag that Butane does not know means nothing to it
    if tag == "binary":
        return _binary(scalar)
    if tag == "timestamp":
        raise YamlError(scalar.position, "no field of Butane is a date; leave the tag !!timestamp out")
    if tag == "str" or (tag is None and scalar.quoted):
        return scalar.text
    value = _plain(scalar.text)
    if tag is not None and not _fits(value, tag):
        raise YamlError(scalar.position, f"{scalar.text!r} does not match its tag !!{tag}; leave the tag out")
    return float(value) if tag == "float" and isinstance(value, int) else value


def _tag_name(tag: str | None) -> str | None:
    """A tag of YAML's own without its prefix, another one as it is, None for no tag and the non-specific one."""
    if tag in {None, "!"}:
        return None
    prefix = next((prefix for prefix in _TAG_PREFIXES if tag.startswith(prefix)), None)
    return f"foreign {tag}" if prefix is None else tag.removeprefix(prefix)


def _fits(value: Resolved, tag: str) -> bool:
    """Return whether Go takes the value of an unquoted word for the tag's type; a whole !!float has 64 bits."""
    if isinstance(value, bool) or value is None:
        return tag == ("null" if value is None else "bool")
    if tag == "float":
        return isinstance(value, float) or (isinstance(value, int) and value < 2**63)
    return tag == "int" and isinstance(value, int)


def as_integer(scalar: Scalar) -> Resolved:
    """The scalar's value, as a whole number of 64 bits if it is a number that Go turns into one."""
    value = resolve(scalar)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return scalar.text if value is not None and not isinstance(value, bool) else value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else scalar.text
    if math.isnan(value) or value > 2**63:
        return scalar.text
    return int(value) if -(2**63) <= value < 2**63 else -(2**63)


def as_boolean(scalar: Scalar) -> Resolved:
    """The scalar's value, as a truth value if it is one of the words of YAML 1.1 or 1.2 for that."""
    value = resolve(scalar)
    if isinstance(value, str) and value in _TRUE:
        return True
    if isinstance(value, str) and value in _FALSE:
        return False
    return value


def as_text(scalar: Scalar) -> str | None:
    """The scalar as written, None if it is nothing: a string field takes any scalar."""
    value = resolve(scalar)
    return value if value is None or isinstance(value, str) else scalar.text


def _plain(text: str) -> Resolved:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _float(text)
    if text[0] not in "+-0123456789":
        return text
    plain = text.replace("_", "")
    found = _INTEGER.fullmatch(plain) if len(plain) < 100 else None
    if found:
        sign, *digits = found.groups()
        number = next(int(digit, base) for digit, base in zip(digits, (16, 2, 8, 10), strict=True) if digit is not None)
        if -(2**63) <= (-number if sign == "-" else number) < (2**63 if sign else 2**64):
            return -number if sign == "-" else number
    value = _float(plain)
    return text if isinstance(value, str) else value


def _float(text: str) -> float | str:
    if not _FLOAT.fullmatch(text):
        return text
    value = float(text)
    return text if math.isinf(value) else value


def _binary(scalar: Scalar) -> str:
    contents = decode_base64(scalar.text)
    if contents is None:
        raise YamlError(scalar.position, "the text after !!binary is not base64; encode it again or leave the tag out")
    return text_of(contents)
