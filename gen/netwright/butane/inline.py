"""Butane whose local files stand in it, for programs that have no directory to look them up in."""

from msgspec import Struct

from netwright.butane.dump import dump_butane
from netwright.butane.fragment import load_fragment
from netwright.butane.local import FilesDir
from netwright.butane.shape import VERSIONS
from netwright.text.report import Report
from netwright.text.source import Source


class Inlined(Struct, frozen=True, kw_only=True):
    """The Butane text, None if the given one has errors, and everything that was found."""

    butane: str | None
    report: Report


def inline_local_files(source: Source, local: FilesDir | None) -> Inlined:
    """The document with the contents of what `local`, `contents_local` and trees name.

    Contents that are no UTF-8 become !!binary, which Butane decodes. Comments of the text are left out.
    """
    for version in VERSIONS:
        loaded = load_fragment(source, version=version, local=local)
        if not any(diagnostic.rule == "version_is_known" for _, diagnostic in loaded.report.entries):
            break
    if loaded.fragment is None:
        return Inlined(butane=None, report=loaded.report)
    document = {"variant": "flatcar", "version": version, **loaded.fragment.document}
    return Inlined(butane=dump_butane(document), report=loaded.report)
