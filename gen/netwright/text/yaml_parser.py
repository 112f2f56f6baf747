"""Events and tokens of a YAML text, the same with every release of PyYAML.

From 6.0.4 on the C parser refuses more than 1,000 levels of nesting. It reads ahead on a line, so that its refusal
comes before the events of levels that a caller's own, lower limit refuses; these events are delivered first here.
"""

from collections.abc import Iterator
from itertools import islice

import yaml

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
PARSER_LIMIT = 1000
"""Levels of nesting that every release of the parser supports; callers refuse far fewer."""
_TOO_DEEP = "exceeded maximum nesting depth"
_BRACKETS_TO_COMMAS = str.maketrans(dict.fromkeys("[]{}", ","))


def parse_events(text: str) -> Iterator[yaml.Event]:
    """Yield the parser's events, those of the first `PARSER_LIMIT` levels in any case."""
    loader = LOADER(text)
    delivered = 0
    try:
        while event := loader.get_event():
            delivered += 1
            yield event
    except yaml.MarkedYAMLError as error:
        yield from islice(yaml.parse(_without_deeper_levels(text, error), Loader=LOADER), delivered, None)
    finally:
        loader.dispose()


def scan_tokens(text: str) -> Iterator[yaml.Token]:
    """Yield the scanner's tokens, those of the first `PARSER_LIMIT` levels in any case."""
    delivered = 0
    try:
        for token in yaml.scan(text, Loader=LOADER):
            delivered += 1
            yield token
    except yaml.MarkedYAMLError as error:
        yield from islice(yaml.scan(_without_deeper_levels(text, error), Loader=LOADER), delivered, None)


def _without_deeper_levels(text: str, error: yaml.MarkedYAMLError) -> str:
    """Return the text with no bracket from the refused one on; an error other than the refusal is raised again.

    A comma takes the place of each bracket, so that other errors of the text stay and stand where they stood.
    """
    if error.problem != _TOO_DEEP or error.problem_mark is None:
        raise error
    refused = error.problem_mark.index
    return text[:refused] + text[refused:].translate(_BRACKETS_TO_COMMAS)
