"""libyaml's complaints in words for a person who edits a topology."""

import yaml

from netwright.text.source import Position

_EXPLAINED = {
    "mapping values are not allowed in this context": (
        "a colon can't stand here; check the indentation of this line and the one before, or quote the value"
    ),
    "block sequence entries are not allowed in this context": (
        "a list can't start here; put its first `- ` on a line of its own"
    ),
    "found character that cannot start any token": "this character can't start a value; put the value in quotes",
    "could not find expected ':'": "a colon is missing after a key",
    "did not find expected key": "a key is expected here; check the indentation, or the quotes and brackets before",
    "did not find expected '-' indicator": "a list entry (`- `) is expected here; check the indentation",
    "did not find expected node content": "a value is expected here; a bracket or brace may not be closed",
    "did not find expected ',' or ']'": "a comma or the closing ] of the list is expected here",
    "did not find expected ',' or '}'": "a comma or the closing } of the mapping is expected here",
    "did not find expected <document start>": "nothing may follow the topology; check the indentation of this line",
    "found unexpected end of stream": "the closing quote is missing",
    "found unexpected document indicator": "the closing quote is missing",
    "found unknown escape character": "no such escape in double quotes; for a backslash use single quotes",
    "found invalid Unicode character escape code": "this escape names no character",
    "did not find expected hexdecimal number": "an escape needs its hexadecimal digits",
    "found a tab character that violates indentation": "a tab can't indent; use spaces",
    "found a tab character where an indentation space is expected": "a tab can't indent; use spaces",
    "found incompatible YAML document": "only YAML 1.2 is read; remove the %YAML line",
    "found unknown directive name": "a % can't start a line here; put the value in quotes",
    "found duplicate %YAML directive": "there are two %YAML lines; remove them",
}
_DIRECTIVE = "while scanning a directive"


def explain_syntax_error(error: yaml.YAMLError, text: str) -> tuple[str, Position]:
    """Return what is wrong at the place where the text stops being YAML, and that place."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem is None:
        return f"not readable as YAML: {_one_line(error)}", Position(line=1, column=1)
    mark = error.problem_mark or error.context_mark
    position = _position(mark, text)
    message = _EXPLAINED.get(error.problem, f"not readable as YAML: {error.problem}")
    if error.context == _DIRECTIVE:
        message = _EXPLAINED["found unknown directive name"]
    if error.problem == "found character that cannot start any token" and mark:
        message = _explain_first_character(text, position)
    start = error.context_mark
    if start is not None and mark is not None and start.line != mark.line:
        message += f" ({_subject(error.context)} began on line {start.line + 1})"
    return message, position


def _position(mark: yaml.Mark | None, text: str) -> Position:
    """Return the mark's position; where the text ends too early, the one after the last thing in it."""
    lines = text.rstrip().split("\n")
    if mark is None or mark.line >= len(lines):
        return Position(line=len(lines), column=len(lines[-1]) + 1)
    return Position(line=mark.line + 1, column=mark.column + 1)


def _explain_first_character(text: str, position: Position) -> str:
    line = text.split("\n")[position.line - 1]
    character = line[position.column - 1 : position.column]
    if character == "\t":
        return _EXPLAINED["found a tab character that violates indentation"]
    return f"a value can't start with {character}; put it in quotes"


def _subject(context: str | None) -> str:
    words = (context or "").removeprefix("while ").removeprefix("parsing ").removeprefix("scanning ")
    return {"a block collection": "the list", "a flow node": "the value", "a quoted scalar": "the text"}.get(
        words, words.replace("a block", "the").replace("a flow", "the").replace("sequence", "list") or "it"
    )


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
