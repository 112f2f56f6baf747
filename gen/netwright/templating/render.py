"""Templates and values -> text. A template of the user's replaces the built-in one of the same name."""

import contextlib
import os
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.utils import Joiner

from netwright import __version__
from netwright.files.cache import cache_directory
from netwright.files.project import Project, ProjectFileError
from netwright.files.resources import resource_dir, resource_text
from netwright.model import Setting
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Position, Source

if TYPE_CHECKING:
    from netwright.templating.sandbox import Sandbox, SandboxError


class RenderError(Exception):
    """A template of the user's makes no text; the report gives the reason."""

    def __init__(self, report: Report) -> None:
        super().__init__("a template failed")
        self.report = report


class Renderer:
    """Renders templates by name, such as common/sysctl.conf.j2."""

    def __init__(self, overrides: Sequence[Source] = (), prefix: str = "") -> None:
        """`overrides` are the user's templates, named as in the project; `prefix` is their folder with a slash."""
        self.overrides = tuple(overrides)
        self._overrides = {source.name.removeprefix(prefix): source for source in overrides}
        self._sandbox = _start_sandbox(self._all_sources()) if overrides else None
        self._sandboxed = _including(frozenset(self._overrides)) if overrides else frozenset()
        # Kernel parameters and rulesets come from groups: a third of a node's templates need rendering once a run.
        self.render_once = lru_cache(maxsize=1024)(self.render)
        """The same as render, remembered; for values that many nodes have alike."""

    def render(self, template: str, **values: Any) -> str:
        """The text that a template makes of the values; RenderError if it is the user's and fails."""
        if template not in self._sandboxed or self._sandbox is None:
            return _environment().get_template(template).render(values)
        from netwright.templating.sandbox import SandboxError  # noqa: PLC0415 - few projects have templates of their own

        try:
            return self._sandbox.render(template, values)
        except SandboxError as error:
            raise RenderError(self._report(error)) from None

    def close(self) -> None:
        """End the process that renders the user's templates, if there is one."""
        if self._sandbox is not None:
            self._sandbox.close()

    def _all_sources(self) -> dict[str, str]:
        sources = {name: resource_text("templates", name) for name in builtin_templates()}
        return sources | {name: source.text or "" for name, source in self._overrides.items()}

    def _report(self, error: "SandboxError") -> Report:
        source = self._overrides.get(error.template, Source(name=error.template, text=None))
        position = Position(line=error.line or 1, column=1)
        message = f"the template {error.template} fails: {error}; correct it, or remove it to use the built-in one"
        diagnostic = Diagnostic(
            severity=Severity.ERROR, path=(), rule="template_renders", message=message, position=position
        )
        return Report.about(source, [diagnostic])


def open_renderer(project: Project, templates: Setting[str] | None, topology: Source) -> tuple[Renderer, Report]:
    """The renderer for a topology's `templates` folder, and what is wrong with the folder."""
    if templates is None:
        return Renderer(), Report()
    builtin = builtin_templates()
    try:
        names = project.list_files(templates.value)
        overrides = [project.read_text(f"{templates.value}/{name}") for name in names if name in builtin]
    except ProjectFileError as error:
        return Renderer(), Report.about(topology, [_template_error(templates, str(error))])
    unknown = [name for name in names if name not in builtin]
    message = "{} replaces no built-in template; there are " + ", ".join(sorted(builtin))
    report = Report.about(topology, [_template_error(templates, message.format(name)) for name in unknown])
    return Renderer(overrides, f"{templates.value}/"), report


def _template_error(templates: Setting[str], message: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.ERROR, path=templates.cause, rule="templates_replace_built_in_ones", message=message
    )


def _start_sandbox(sources: dict[str, str]) -> "Sandbox":
    from netwright.templating.sandbox import Sandbox  # noqa: PLC0415

    return Sandbox(sources, make_environment)


def _including(overridden: frozenset[str]) -> frozenset[str]:
    """The overridden templates, and the built-in ones that include one of them, directly or not."""
    from jinja2 import meta  # noqa: PLC0415

    references = {
        name: frozenset(meta.find_referenced_templates(_environment().parse(resource_text("templates", name))))
        for name in builtin_templates()
    }
    found = overridden
    while more := {name for name, included in references.items() if included & found} - found:
        found |= more
    return found


@cache
def builtin_templates() -> frozenset[str]:
    """The names of all built-in templates."""
    root = resource_dir("templates")
    return frozenset(
        os.path.relpath(os.path.join(directory, name), root)
        for directory, _, files in os.walk(root)
        for name in files
        if name.endswith(".j2")
    )


@cache
def _environment() -> Environment:
    environment = make_environment(Environment, FileSystemLoader(resource_dir("templates")))
    directory = cache_directory()
    if directory is not None:
        environment.bytecode_cache = _TemplateCache(directory, f"template-{__version__}-%s.cache")
    return environment


class _TemplateCache(FileSystemBytecodeCache):
    """Templates compiled by an earlier run, which halves the time of a run of a few nodes (33 ms to 2 ms for all).

    A template that changed is compiled again: its text is part of what is looked up.
    """

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template; where nothing can be written, the next run compiles it again."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def make_environment(kind: type[Environment], loader: BaseLoader) -> Environment:
    """An environment in which our templates render; nothing of Jinja's own globals is left."""
    environment = kind(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is not None and name.endswith(".xml.j2"),
        auto_reload=False,
    )
    environment.globals.clear()
    environment.globals["joiner"] = Joiner
    del environment.filters["random"]  # the same topology gives the same bytes
    environment.filters["nft_set"] = nft_set
    environment.filters["nft_protocol"] = nft_protocol
    return environment


def nft_protocol(name: str) -> str:
    """The protocol as every nft knows it. VRRP is no word of its grammar: its number needs no /etc/protocols."""
    return "112" if name == "vrrp" else name


def nft_set(values: Sequence[object]) -> str:
    """One value as it is, several as an anonymous set of nft; a pair of numbers is a range, a /32 an address."""
    members = [_nft_range(value) if isinstance(value, tuple) else str(value).removesuffix("/32") for value in values]
    return members[0] if len(members) == 1 else "{ " + ", ".join(members) + " }"


def _nft_range(limits: tuple[int, int]) -> str:
    first, last = limits
    return str(first) if first == last else f"{first}-{last}"
