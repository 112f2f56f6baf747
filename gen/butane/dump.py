"""A Butane document as YAML text that people read and Butane compiles."""

from collections.abc import Mapping
from typing import Any

import yaml

from gen.butane.encoding import bytes_of


class Mode(int):
    """A file mode: a plain number that is written in octal."""


def dump_butane(document: Mapping[str, Any]) -> str:
    """The document as YAML, its keys in the order given: modes in octal, text of several lines as literal blocks.

    Text that is not UTF-8 (`text_of`) is written as !!binary, which Butane decodes again.
    """
    text: str = yaml.dump(
        _with_modes(document),
        Dumper=_Dumper,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
        width=2**20,  # a folded line could not be told from one that was written so
    )
    return text


def _with_modes(value: Any) -> Any:
    """The value with its modes marked, and without the sharing of objects that YAML would turn into aliases."""
    if isinstance(value, Mapping):
        return {
            key: Mode(below) if key == "mode" and type(below) is int else _with_modes(below)
            for key, below in value.items()
        }
    if isinstance(value, list | tuple):
        return [_with_modes(below) for below in value]
    return value


class _Dumper(yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper):  # type: ignore[misc]
    def ignore_aliases(self, _: object) -> bool:
        return True


def _represent_mode(dumper: yaml.SafeDumper, mode: Mode) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:int", f"0{mode:o}" if mode else "0")


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        style = "|"
    elif text in _READ_AS_NUMBER_ELSEWHERE or text[:2] in {"0o", "0b", "0x"}:
        style = '"'
    else:
        style = None
    try:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    except UnicodeEncodeError:
        return dumper.represent_binary(bytes_of(text))


_READ_AS_NUMBER_ELSEWHERE = frozenset({"y", "Y", "n", "N"})

_Dumper.add_representer(Mode, _represent_mode)
_Dumper.add_representer(str, _represent_text)
