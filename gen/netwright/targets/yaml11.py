"""YAML as cloud-init reads it (PyYAML, YAML 1.1), but strictly: nothing in it silently wins or multiplies."""

from typing import Any

import yaml

from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Position, Source
from netwright.text.yaml_parser import LOADER, parse_events

DEEPEST_NESTING = 32


class _RefusedError(Exception):
    """A refused text: what is wrong, and where."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.position = Position(line=mark.line + 1, column=mark.column + 1) if mark else Position(line=1, column=1)


def load_yaml11(source: Source) -> tuple[Any, Report]:
    """The document of a text; None and a finding if it is broken, repeats a key, or uses aliases."""
    try:
        _refuse_what_multiplies(source.text or "")
        return yaml.load(source.text or "", Loader=LOADER), Report()  # noqa: S506 (a safe loader)
    except _RefusedError as error:
        message, position = str(error), error.position
    except yaml.MarkedYAMLError as error:
        message, position = error.problem or "is not YAML", _RefusedError("", error.problem_mark).position
    except (yaml.YAMLError, ValueError) as error:
        message, position = str(error).split("\n", 1)[0], Position(line=1, column=1)
    finding = Diagnostic(
        severity=Severity.ERROR,
        path=(),
        rule="snippets_are_yaml",
        message=f"{message}; write plain YAML, as cloud-init reads it",
        position=position,
    )
    return None, Report.about(source, [finding])


def _refuse_what_multiplies(text: str) -> None:
    """A pass over the events, for the C loader neither survives deep nesting nor sees a key twice."""
    keys: list[set[str] | None] = []
    expecting_key: list[bool] = []
    documents = 0
    for event in parse_events(text):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _RefusedError("a second document begins here", event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _RefusedError("anchors and aliases are not taken", event.start_mark)
        if isinstance(event, yaml.CollectionEndEvent):
            keys.pop()
            expecting_key.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        known = keys[-1] if keys else None
        if known is not None:
            if expecting_key[-1] and isinstance(event, yaml.ScalarEvent):
                if event.value in known:
                    raise _RefusedError(f"the key {event.value} stands here a second time", event.start_mark)
                known.add(event.value)
            expecting_key[-1] = not expecting_key[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            if len(keys) >= DEEPEST_NESTING:
                raise _RefusedError(f"is nested more than {DEEPEST_NESTING} levels deep", event.start_mark)
            keys.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            expecting_key.append(True)
