"""Mutants of the verifier: one expression or statement changed, named by module, function and syntax."""

import ast
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct


class Mutant(Struct, frozen=True, kw_only=True):
    """One change of a function of `module`, a module below netwright.verify, and the test that must fail because of it.

    `before` and `after` are an expression, or statements; they are compared as syntax, so that layout and comments do
    not matter. A body of `...` stands for any body, which is kept. `function` is a qualified name, empty for the
    module's own statements. `killer` is a case of test_rules.CASES, or a test of a module in test_mutants.KILLERS.
    """

    rule: str
    module: str
    function: str
    before: str
    after: str
    killer: str


def mutant(rule: str, place: str, before: str, after: str, killer: str) -> Mutant:
    """Return a mutant; `place` is MODULE:FUNCTION."""
    module, function = place.split(":")
    return Mutant(rule=rule, module=module, function=function, before=before, after=after, killer=killer)


Statements: TypeAlias = list[ast.stmt]


def mutate(text: str, mutant: Mutant) -> ast.Module:
    """Return the syntax tree of a module's text with the mutant's change.

    Raises ValueError where the function or the syntax to change is not there exactly once.
    """
    module = ast.parse(text)
    scope = _find_function(module, mutant.function)
    before, after = ast.parse(mutant.before).body, ast.parse(mutant.after).body
    match before, after:
        case [ast.Expr(value=old)], [ast.Expr(value=new)]:
            changes = _expressions_like(scope, old, new)
        case _:
            changes = _statements_like(scope, before, after)
    found = [*changes]
    if len(found) != 1:
        raise ValueError(f"{mutant.before!r} is {len(found)} times in {mutant.function or 'the module'}")
    found[0].apply()
    return ast.fix_missing_locations(module)


def _find_function(module: ast.Module, name: str) -> ast.AST:
    scope: ast.AST = module
    for part in filter(None, name.split(".")):
        found = [
            node for node in ast.walk(scope) if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == part
        ]
        if len(found) != 1:
            raise ValueError(f"{name}: {part} is defined {len(found)} times")
        scope = found[0]
    return scope


class _Change(Struct, frozen=True, kw_only=True):
    """Nodes `start` to `end` of a field of a node, and what takes their place; a field without a list has one."""

    parent: ast.AST
    field: str
    start: int
    end: int
    nodes: Sequence[ast.AST]

    def apply(self) -> None:
        held = getattr(self.parent, self.field)
        if isinstance(held, list):
            held[self.start : self.end] = self.nodes
        else:
            setattr(self.parent, self.field, self.nodes[0])


def _expressions_like(scope: ast.AST, before: ast.expr, after: ast.expr) -> Iterator[_Change]:
    wanted = ast.dump(before)
    for parent in ast.walk(scope):
        for field, value in ast.iter_fields(parent):
            for number, node in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(node, ast.expr) and ast.dump(node) == wanted:
                    yield _Change(parent=parent, field=field, start=number, end=number + 1, nodes=[after])


def _statements_like(scope: ast.AST, before: Statements, after: Statements) -> Iterator[_Change]:
    for parent in ast.walk(scope):
        for field in ("body", "orelse", "finalbody"):
            held = getattr(parent, field, None)
            if not isinstance(held, list):
                continue
            for start in range(len(held) - len(before) + 1):
                run = held[start : start + len(before)]
                if all(map(_is_like, run, before)):
                    nodes = [_with_body_of(run[0], node) for node in after]
                    yield _Change(parent=parent, field=field, start=start, end=start + len(before), nodes=nodes)


def _is_like(node: ast.stmt, pattern: ast.stmt) -> bool:
    if _has_any_body(pattern):
        return type(node) is type(pattern) and ast.dump(_head(node)) == ast.dump(_head(pattern))
    return ast.dump(node) == ast.dump(pattern)


def _has_any_body(node: ast.stmt) -> bool:
    match getattr(node, "body", None):
        case [ast.Expr(value=ast.Constant(value=value))]:
            return value is Ellipsis
        case _:
            return False


def _head(node: ast.stmt) -> ast.expr:
    """The condition or iterable of a statement with a body."""
    if isinstance(node, (ast.If, ast.While)):
        return node.test
    if isinstance(node, ast.For):
        return node.iter
    raise ValueError(f"line {node.lineno}: only if, while and for have a body of ...")


def _with_body_of(original: ast.stmt, node: ast.stmt) -> ast.stmt:
    if _has_any_body(node):
        assert isinstance(original, (ast.If, ast.While, ast.For))
        assert isinstance(node, (ast.If, ast.While, ast.For))
        node.body, node.orelse = original.body, original.orelse
    return node
