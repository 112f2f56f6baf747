"""Butane's variant flatcar to Ignition: a library of its own, which knows nothing of topologies."""

from gen.butane.compile import Compiled, compile_document
from gen.butane.dump import dump_butane
from gen.butane.encoding import bytes_of, dump_ignition, text_of
from gen.butane.fragment import Fragment, Loaded, load_fragment
from gen.butane.local import Budget, FilesDir, GivenFiles, LocalFileError, LocalFiles
from gen.butane.merge import Merged, merge_documents
from gen.butane.transpile import Transpiled, transpile

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
    "text_of",
    "transpile",
]
