"""A Butane document as plain data -> the Ignition config as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gen.butane.conform import conforms
from gen.butane.embedded import check_embedded_configs
from gen.butane.findings import Findings
from gen.butane.judge import judge
from gen.butane.local import LocalFiles
from gen.butane.shape import VERSIONS, Specification, specification
from gen.butane.translation import Translation
from gen.report import Diagnostic
from gen.source import TopologyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """The Ignition config, None if the document has errors, and everything that was found."""

    ignition: Mapping[str, Any] | None
    diagnostics: tuple[Diagnostic, ...]


def compile_document(document: Mapping[str, Any], *, local: LocalFiles | None = None) -> Compiled:
    """The Ignition config of a document that is already plain data: str, int, bool, list and dict.

    `local` is where the document's `local` fields are looked up; without it they are errors. Nothing is read twice and
    no position is tracked: the diagnostics' paths are located when they are shown.
    """
    found = Findings()
    known = known_specification(document, found)
    if known is None or not conforms(known, document, found):
        return Compiled(ignition=None, diagnostics=tuple(found.diagnostics))
    translation = Translation(specification=known, local=local)
    ignition = translation.config(document)
    check_embedded_configs(known, document, lambda config: compile_document(config).diagnostics, translation.document)
    for stage in (translation.document, translation.reading, translation.denied):
        found.diagnostics += stage.diagnostics
        if stage.fatal:
            return Compiled(ignition=None, diagnostics=tuple(found.diagnostics))
    judge(translation, found)
    return Compiled(ignition=None if found.fatal else ignition, diagnostics=tuple(found.diagnostics))


def known_specification(document: Mapping[str, Any], found: Findings) -> Specification | None:
    """The specification that the document's variant and version name, None with an error if there is none."""
    variant, version = document.get("variant"), document.get("version")
    path: TopologyPath = ("variant",)
    if not variant:
        found.error((), "variant_is_known", "the variant is missing; begin the document with variant: flatcar")
    elif variant != "flatcar":
        found.error(path, "variant_is_known", f"the variant {variant} is not supported; use flatcar")
    elif not version:
        found.error((), "version_is_known", "the version is missing; add version: 1.0.0 or 1.1.0")
    elif version not in VERSIONS:
        hint = "an experimental version may change under a running cluster; " if "experimental" in str(version) else ""
        found.error(
            ("version",),
            "version_is_known",
            f"version {version} of variant flatcar is not supported; {hint}use {' or '.join(VERSIONS)}",
        )
    else:
        return specification(version)
    return None
