"""Snippets of the user's that are templates, rendered in a sandbox, with the places that their lines come from."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, DictLoader, Environment, TemplateError
from msgspec import Struct

from netwright.templating.render import make_environment
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Position, Source, Template

if TYPE_CHECKING:
    from netwright.templating.sandbox import Sandbox, SandboxError

SUFFIX = ".j2"
"""End of the name of a snippet that is a template."""
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
"""Names that the shell, envsubst and Terraform take."""
_MARK = re.compile("\ue000([0-9]+)\ue001")
_LEADING = re.compile(f"(?:{_MARK.pattern})*")
_WITH_MARKS = "\0"
"""End of the name of a template's text with marks."""

Values = Mapping[str, Any]


class RenderedSnippet(Struct, frozen=True, kw_only=True):
    """A snippet's text for a node, and the names of the secrets that stand in it."""

    source: Source
    secrets: tuple[str, ...]


class SnippetError(Exception):
    """A snippet's template makes no text; the report gives the reason."""

    def __init__(self, report: Report) -> None:
        super().__init__("a snippet's template failed")
        self.report = report


class SnippetRenderer:
    """Renders snippets for nodes; `sources` are those that are templates, by name, `describe` what a node's see."""

    def __init__(self, sources: Callable[[], Mapping[str, Source]], common: Values, describe: Callable[[str], Values]):
        self._sources = sources
        self._common = common
        self._describe = describe
        self._sandbox: Sandbox | None = None

    def render(self, source: Source, node: str) -> RenderedSnippet:
        """The text for a node; SnippetError if there is none."""
        from netwright.templating.sandbox import SandboxError  # noqa: PLC0415 - few projects have templates

        if self._sandbox is None:
            self._sandbox = self._open()
        values = _present(self._describe(node))
        try:
            text, secrets = self._sandbox.render_noting(source.name, values)
            marked, _ = self._sandbox.render_noting(source.name + _WITH_MARKS, values)
        except SandboxError as error:
            raise SnippetError(_report(source, error)) from None
        lines = _lines_of(marked, text)
        template = Template(text=source.text or "", lines=lines)
        return RenderedSnippet(source=Source(name=source.name, text=text, template=template), secrets=secrets)

    def close(self) -> None:
        """End the process that renders, if there is one."""
        if self._sandbox is not None:
            self._sandbox.close()

    def _open(self) -> "Sandbox":
        from netwright.templating.sandbox import Sandbox  # noqa: PLC0415

        plain = {name: source.text or "" for name, source in self._sources().items()}
        marked = {name + _WITH_MARKS: _with_marks(text) for name, text in plain.items()}
        secrets = _Secrets()

        def make(kind: type[Environment], loader: BaseLoader) -> Environment:
            environment = make_environment(kind, loader)
            environment.globals |= {**_present(self._common), "secret": secrets}
            return environment

        return Sandbox(plain | marked, make, take_notes=lambda: _take(secrets))


def _present(value: Any) -> Any:
    """The value without what is absent in it: a template that prints it fails, and does not write None."""
    if isinstance(value, Mapping):
        return {key: _present(inner) for key, inner in value.items() if inner is not None}
    return value


class _Secrets:
    """The function secret() of snippets."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def __call__(self, name: str) -> str:
        """The placeholder of a value that does not belong in git."""
        if not isinstance(name, str) or not _SECRET.fullmatch(name):
            raise ValueError("the name of a secret has letters, digits and _, and begins with no digit")
        self._names[name] = None
        return placeholder(name)


def placeholder(name: str) -> str:
    """What stands for a secret until it is filled in."""
    return f"${{{name}}}"


def _take(secrets: _Secrets) -> tuple[str, ...]:
    """Return the names asked for since the last time. No method: templates can't call it."""
    names = tuple(secrets._names)
    secrets._names.clear()
    return names


def _with_marks(text: str) -> str:
    """The template with a mark, its line number, before what stands on each line; as it is where that can't be."""
    environment = make_environment(Environment, DictLoader({}))
    try:
        return text if "\ue000" in text else "".join(_mark(*token) for token in environment.lex(text))
    except TemplateError:
        return text


def _mark(line: int, kind: str, value: str) -> str:
    if kind == "variable_begin":
        return f"\ue000{line}\ue001{value}"
    if kind != "data":
        return value
    pieces = value.split("\n")
    return "\n".join(f"\ue000{line + number}\ue001{piece}" if piece else "" for number, piece in enumerate(pieces))


def _lines_of(marked: str, text: str) -> tuple[int, ...]:
    """The template's line of each line of the text; none where marks changed more than what they mark."""
    if _MARK.sub("", marked) != text:
        return ()
    lines, last = [], 1
    for line in marked.split("\n"):
        leading = _LEADING.match(line)
        first = _MARK.search(line)
        if leading is not None and leading[1] is not None:
            last = int(leading[1])
        elif first is not None:
            last = int(first[1])
        lines.append(last)
    return tuple(lines)


def _report(source: Source, error: "SandboxError") -> Report:
    where = Source(name=error.template.removesuffix(_WITH_MARKS), text=source.text)
    position = Position(line=error.line or 1, column=_column(where, error))
    diagnostic = Diagnostic(
        severity=Severity.ERROR,
        path=(),
        rule="snippets_render",
        message=f"the snippet makes no text: {error}; correct it, or end its name otherwise than in {SUFFIX}",
        position=position,
    )
    return Report.about(where, [diagnostic])


_QUOTED = re.compile(r"'([^']+)'")


def _column(source: Source, error: "SandboxError") -> int:
    """The column of the name that a message quotes last, on the line where it arose; 1 where it is not there."""
    line = source.line(error.line or 1) or ""
    for name in reversed(_QUOTED.findall(str(error))):
        if found := re.search(rf"\b{re.escape(name)}\b", line):
            return found.start() + 1
    return 1
