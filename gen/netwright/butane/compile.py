"""A Butane document as plain data -> the Ignition config as plain data."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from netwright.butane.conform import conforms, plain
from netwright.butane.embedded import check_embedded_configs
from netwright.butane.findings import Diagnostics
from netwright.butane.foreign import hint_of_variant, hint_without_variant
from netwright.butane.judge import judge
from netwright.butane.local import LocalFiles
from netwright.butane.shape import VERSIONS, Specification, specification
from netwright.butane.translation import Translation
from netwright.text.report import Diagnostic
from netwright.text.source import TopologyPath


class Compiled(Struct, frozen=True, kw_only=True):
    """The Ignition config, None if the document has errors, and everything that was found.

    `origins` yields, for each field of the config, its path there and the path in the document that it comes from.
    """

    ignition: Mapping[str, Any] | None
    diagnostics: tuple[Diagnostic, ...]
    origins: Callable[[], Iterator[tuple[TopologyPath, TopologyPath]]] = lambda: iter(())


def compile_document(document: Mapping[str, Any], *, local: LocalFiles | None = None) -> Compiled:
    """The Ignition config of a document that is already plain data: str, int, bool, list and dict.

    `local` is where the document's `local` fields are looked up; without it they are errors. Nothing is read twice and
    no position is tracked: the diagnostics' paths are located when they are shown.
    """
    found = Diagnostics()
    if not isinstance(document, Mapping):
        found.error((), "field_has_its_type", "the document is not a mapping; begin it with variant: flatcar")
        return Compiled(ignition=None, diagnostics=tuple(found.diagnostics))
    document = plain(document)
    known = known_specification(document, found)
    if known is not None and document["version"] != known.version:
        document = {**document, "version": known.version}
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
    found.diagnostics = [translation.in_document(one) for one in found.diagnostics]
    return Compiled(
        ignition=None if found.fatal else ignition,
        diagnostics=tuple(found.diagnostics),
        origins=translation.origins,
    )


def known_specification(document: Mapping[str, Any], found: Diagnostics) -> Specification | None:
    """The specification that the document's variant and version name, None with an error if there is none."""
    variant, version = document.get("variant"), document.get("version")
    if not variant:
        found.error((), "variant_is_known", f"the variant is missing; {hint_without_variant(document)}")
    elif variant != "flatcar":
        found.error(
            ("variant",), "variant_is_known", f"the variant {variant} is not supported; {hint_of_variant(variant)}"
        )
    elif not version:
        found.error((), "version_is_known", "the version is missing; add version: 1.0.0 or 1.1.0")
    elif _numeric(version) not in VERSIONS:
        hint = "an experimental version may change under a running cluster; " if "experimental" in str(version) else ""
        found.error(
            ("version",),
            "version_is_known",
            f"version {version} of variant flatcar is not supported; {hint}use {' or '.join(VERSIONS)}",
        )
    else:
        return specification(_numeric(version))
    return None


def _numeric(version: object) -> str:
    """The version without leading zeros, which mean nothing to Butane (go-semver)."""
    text = str(version)
    return ".".join(str(int(part)) for part in text.split(".")) if _THREE_NUMBERS.fullmatch(text) else text


_THREE_NUMBERS = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}", re.ASCII)
