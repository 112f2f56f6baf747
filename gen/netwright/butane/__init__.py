"""Butane's variant flatcar to Ignition: a library of its own, which knows nothing of topologies."""

from netwright.butane.compile import Compiled, compile_document
from netwright.butane.dump import dump_butane
from netwright.butane.encoding import bytes_of, dump_ignition, percent_url, text_of
from netwright.butane.fragment import Fragment, Loaded, load_fragment
from netwright.butane.local import Budget, FilesDir, GivenFiles, LocalFileError, LocalFiles
from netwright.butane.merge import Merged, merge_documents
from netwright.butane.transpile import Transpiled, transpile

__all__ = [
    "Budget",
    "Compiled",
    "FilesDir",
    "Fragment",
    "GivenFiles",
    "Loaded",
    "LocalFileError",
    "LocalFiles",
    "Merged",
    "Transpiled",
    "bytes_of",
    "compile_document",
    "dump_butane",
    "dump_ignition",
    "load_fragment",
    "merge_documents",
    "percent_url",
    "text_of",
    "transpile",
]
