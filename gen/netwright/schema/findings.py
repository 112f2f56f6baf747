"""Findings of jsonschema in a document as diagnostics in the user's words, each at the value or key it concerns."""

from collections.abc import Iterator
from typing import Any, cast

import netaddr
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from msgspec import Struct

from netwright.schema.rewriting import idea, instead, rewrite, without_release
from netwright.schema.words import (
    Schema,
    choices,
    closest,
    describe,
    expected,
    join_choices,
    json_type,
    json_types,
    known_keys,
    quote,
    resolve,
    spell,
)
from netwright.text.load import Document
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath

_RULE = "schema"
_YAML_1_1_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def find_violations(document: Document, schema: Schema) -> tuple[Diagnostic, ...]:
    """Everything in which the document differs from the schema, sorted by path, each reported once."""
    explanation = _Explanation(root=schema)
    found: dict[tuple[TopologyPath, str], Diagnostic] = {}
    for error in Draft202012Validator(schema).iter_errors(document):
        for diagnostic in explanation.of(_violation(error)):
            found.setdefault((diagnostic.path, diagnostic.message), diagnostic)
    return tuple(sorted(found.values(), key=_by_path))


def _by_path(diagnostic: Diagnostic) -> tuple[tuple[str, ...], str]:
    return tuple(f"{step:09}" if isinstance(step, int) else step for step in diagnostic.path), diagnostic.message


def _diagnose(path: TopologyPath, message: str, *, on_key: bool = False) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=path, message=message, rule=_RULE, on_key=on_key)


class _Violation(Struct, frozen=True, kw_only=True):
    """One of jsonschema's errors: the keyword that does not hold, what it asks for, and the value that was judged.

    `of_name` means that the value is a key of the mapping at `path`; `branches` are the violations in each branch of an
    anyOf or oneOf.
    """

    keyword: str
    asked: Any
    value: Any
    schema: Schema
    path: TopologyPath
    of_name: bool
    branches: dict[int, tuple["_Violation", ...]]


def _violation(error: ValidationError) -> _Violation:
    branches: dict[int, tuple[_Violation, ...]] = {}
    for reason in error.context or ():
        number = cast(int, reason.relative_schema_path[0])
        branches[number] = (*branches.get(number, ()), _violation(reason))
    return _Violation(
        keyword=cast(str, error.validator),
        asked=error.validator_value,
        value=error.instance,
        schema=cast(Schema, error.schema),
        path=tuple(error.absolute_path),
        of_name="propertyNames" in error.absolute_schema_path,
        branches=branches,
    )


class _Explanation(Struct, frozen=True, kw_only=True):
    """The wording of violations of one schema."""

    root: Schema

    def of(self, violation: _Violation) -> Iterator[Diagnostic]:
        """The diagnostics that one violation amounts to."""
        path, value, schema = violation.path, violation.value, violation.schema
        if violation.of_name:
            other = rewrite(value, lambda text: self._would_fit(text, schema))
            hint = f"; write {other}" if other is not None else ""
            message = f"the name must be {expected(schema, self.root)}, not {quote(value)}{hint}"
            yield _diagnose((*path, value), message, on_key=True)
        elif violation.keyword in ("additionalProperties", "unevaluatedProperties"):
            yield from self._unknown_keys(value, schema, path)
        elif violation.keyword == "required":
            yield from self._missing_keys(value, violation.asked, schema, path)
        elif violation.keyword == "dependentRequired":
            yield from self._missing_companions(violation)
        elif violation.keyword in ("anyOf", "oneOf"):
            yield from self._alternatives(violation)
        elif violation.keyword == "not" and violation.asked.keys() == {"required"}:
            keys = join_choices(violation.asked["required"], "and")
            yield _diagnose(path, f"has {keys}, but takes only one of them")
        else:
            yield _diagnose(path, self._constraint(violation))

    def _unknown_keys(self, mapping: dict[str, Document], schema: Schema, path: TopologyPath) -> Iterator[Diagnostic]:
        known = known_keys(schema, self.root)
        for key, meant in _unknown(mapping, known).items():
            hint = self._instead(key, schema)
            if hint is None:
                hint = f'did you mean "{meant}"?' if meant else f"known keys here: {', '.join(sorted(known))}"
            yield _diagnose((*path, key), f"unknown key {quote(key)}; {hint}", on_key=True)

    def _missing_keys(
        self, mapping: dict[str, Document], required: list[str], schema: Schema, path: TopologyPath
    ) -> Iterator[Diagnostic]:
        """A misspelt key is reported as unknown, and not as missing too."""
        known = known_keys(schema, self.root)
        misspelt = set(_unknown(mapping, known).values())
        for key in required:
            if key in mapping or key in misspelt:
                continue
            meaning = resolve(known.get(key, {}), self.root)
            examples = meaning.get("examples")
            right = (
                f"add it, such as {key}: {spell(examples[0])}" if examples else f"it is {expected(meaning, self.root)}"
            )
            yield _diagnose(path, f'"{key}" is missing; {right}')

    def _missing_companions(self, violation: _Violation) -> Iterator[Diagnostic]:
        """Keys that belong together where only some are; another choice that is made as well is reported first."""
        choice = [branch["required"] for branch in violation.schema.get("oneOf", ()) if "required" in branch]
        if sum(any(key in violation.value for key in keys) for keys in choice) > 1:
            yield from self._choice_of_keys(violation, choice)
            return
        for key, companions in violation.asked.items():
            if key in violation.value:
                yield from self._missing_keys(violation.value, companions, violation.schema, violation.path)

    def _alternatives(self, violation: _Violation) -> Iterator[Diagnostic]:
        """The violations of the one branch that the value was meant for, or what all of them would take."""
        schemas: list[Schema] = violation.asked
        if all(schema.keys() == {"required"} for schema in schemas):
            yield from self._choice_of_keys(violation, [schema["required"] for schema in schemas])
            return
        kind = json_type(violation.value)
        possible = {number: json_types(schemas[number], self.root) for number in violation.branches}
        fitting = [number for number, types in possible.items() if kind in types or not types]
        meant = min(fitting, key=lambda number: _distance(violation.branches[number]), default=None)
        of_choices = meant is not None and _distance(violation.branches[meant])[0]
        if meant is None or (kind not in ("object", "array") and (len(fitting) > 1 or of_choices)):
            yield _diagnose(violation.path, self._mismatch(violation.value, violation.schema))
            return
        for reason in violation.branches[meant]:
            yield from self.of(reason)

    def _choice_of_keys(self, violation: _Violation, choice: list[list[str]]) -> Iterator[Diagnostic]:
        """For a mapping that needs all keys of one list (oneOf: and none of another)."""
        mapping, known = violation.value, known_keys(violation.schema, self.root)
        if not isinstance(mapping, dict):
            return
        wording = (", or " if any(len(keys) > 1 for keys in choice) else " or ").join(
            " and ".join(keys) for keys in choice
        )
        offered = tuple(dict.fromkeys(key for keys in choice for key in keys))
        begun = [keys for keys in choice if any(key in mapping for key in keys)]
        if len(begun) > 1:
            present = join_choices([key for key in offered if key in mapping], "and")
            yield _diagnose(violation.path, f"has {present}, but takes only one of these: {wording}")
        elif begun:
            yield from self._missing_keys(mapping, begun[0], violation.schema, violation.path)
        elif not any(meant in offered for meant in _unknown(mapping, known).values()):
            yield _diagnose(violation.path, f"needs {wording}")

    def _constraint(self, violation: _Violation) -> str:
        limit, value = violation.asked, violation.value
        match violation.keyword:
            case "minItems" | "minProperties":
                return f"needs at least {_count(limit)}, has {_count(len(value))}"
            case "maxItems" | "maxProperties":
                return f"takes {_count(limit)} at most, has {_count(len(value))}"
            case "uniqueItems":
                twice = next(entry for number, entry in enumerate(value) if entry in value[:number])
                return f"lists {describe(twice)} twice"
            case "minLength" | "maxLength" if "x-expected" not in violation.schema:
                bound = "at least" if violation.keyword == "minLength" else "at most"
                return f"must have {bound} {limit} characters, not {len(value)}"
            case _:
                return self._mismatch(value, violation.schema)

    def _mismatch(self, value: Document, schema: Schema) -> str:
        """The schema wants something else than this value; with a guess at what was meant."""
        right = expected(schema, self.root)
        if value is None:
            return f"is empty, but must be {right}"
        return f"must be {right}, not {describe(value)}{self._hint(value, schema)}"

    def _hint(self, value: Document, schema: Schema) -> str:
        types = json_types(schema, self.root)
        meant = closest(value, choices(schema, self.root)) if isinstance(value, str) else None
        match value:
            case str() if (sentence := self._instead(value, schema)) is not None:
                return f"; {sentence}"
            case str() if _is_ipv6(value):
                return "; netwright configures IPv4 only"
            case _ if meant is not None:
                return f'; did you mean "{meant}"?'
            case str() if (sentence := self._instead(without_release(value), schema)) is not None:
                return f"; {sentence}"
            case str() if "boolean" in types and value.casefold() in _YAML_1_1_BOOLEANS:
                return f"; write {_YAML_1_1_BOOLEANS[value.casefold()]}"
            case str() if types == {"integer"} and value.isdecimal():
                return "; remove the quotes"
            case str() if (other := rewrite(value, lambda text: self._would_fit(text, schema))) is not None:
                return f"; write {other}"
            case str() | int() | float() if types == {"array"} or self._would_fit([value], schema):
                return "; put it in brackets"
            case int() | float() if "string" in types and self._would_fit(str(value), schema):
                return "; put it in quotes if it is meant as text"
            case _:
                return ""

    def _instead(self, word: str, schema: Schema) -> str | None:
        sentence = instead(word, schema, self.root)
        return sentence if sentence is not None else idea(word, self.root)

    def _would_fit(self, value: Document, schema: Schema) -> bool:
        return bool(Draft202012Validator(self.root).evolve(schema=schema).is_valid(value))


def _is_ipv6(value: str) -> bool:
    return ":" in value and netaddr.valid_ipv6(value.partition("/")[0])


def _unknown(mapping: dict[str, Document], known: dict[str, Schema]) -> dict[str, str | None]:
    """The keys that are not known, each with the known one (not yet used) that was probably meant."""
    candidates = tuple(sorted(key for key in known if key not in mapping))
    return {key: closest(key, candidates) for key in mapping if key not in known}


def _distance(reasons: tuple[_Violation, ...]) -> tuple[bool, int]:
    """Return how far a value is from a branch: one that wants another word is farther than one with errors inside."""
    return any(reason.keyword in ("const", "enum") for reason in reasons), len(reasons)


def _count(number: int) -> str:
    return {0: "none", 1: "one entry"}.get(number, f"{number} entries")
