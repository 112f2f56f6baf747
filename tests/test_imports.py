"""Who may import whom in gen/netwright/, read from the source: data flows one way, and there are no cycles."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
FOUNDATION = ("source", "report")

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # what everything stands on
    "yaml_parser": (),
    "source": ("yaml_parser",),
    "report": ("source",),
    "natural": (),
    "special": (),
    "counting": (),
    "device_names": (),
    "standard_input": (),
    "cache": (),
    "resources": ("cache",),
    "artifact": ("report",),
    "sandbox": (),
    "whole_file": (),
    "git": (),
    "project": ("source", "git"),
    # a library of its own, and a proof that shares no code with what it proves
    "butane": (*FOUNDATION, "yaml_parser", "resources", "whole_file", "standard_input", "project"),
    "verify": (*FOUNDATION, "yaml_parser", "natural", "counting"),
    "lab": (*FOUNDATION, "natural", "counting", "cache", "verify"),
    # text -> document
    "syntax": FOUNDATION,
    "scalars": FOUNDATION,
    "folding": (*FOUNDATION, "yaml_parser", "syntax", "scalars"),
    "load": (*FOUNDATION, "standard_input", "folding", "scalars"),
    # document -> findings
    "schema_words": ("load",),
    "schema_findings": (*FOUNDATION, "load", "schema_words"),
    "schema": (*FOUNDATION, "resources", "load", "schema_words", "schema_findings"),
    # document -> topology
    "model": ("source",),
    "parse": (*FOUNDATION, "natural", "model"),
    # topology -> findings and plans
    "fabric": ("model",),
    "resolve": ("source", "model", "fabric"),
    "flows": (*FOUNDATION, "natural", "special", "counting", "model", "fabric", "resolve"),
    "checks": (*FOUNDATION, "natural", "special", "device_names", "model", "fabric", "resolve", "flows"),
    "plan": ("source", "natural", "model", "fabric", "resolve", "flows"),
    # plans -> files
    "render": (*FOUNDATION, "cache", "resources", "model", "project", "sandbox"),
    "targets": (
        *FOUNDATION,
        "yaml_parser",
        "natural",
        "load",
        "artifact",
        "project",
        "model",
        "plan",
        "render",
        "butane",
    ),
    "write": (*FOUNDATION, "natural", "counting", "artifact", "cache"),
    # the run as a whole
    "slips": (*FOUNDATION, "model", "parse", "checks"),
    "read": (*FOUNDATION, "load", "schema", "model", "parse", "checks", "slips"),
    "production": (
        *(*FOUNDATION, "natural", "resources", "artifact", "project", "model", "fabric", "flows", "plan"),
        *("render", "targets", "read"),
    ),
    # documentation made from the code
    "checks_docs": (*FOUNDATION, "load", "parse", "checks"),
    "schema_docs": (*FOUNDATION, "load", "schema", "schema_words"),
    # the command line; explain's command asks production, so that it comes this late
    "printing": ("report",),
    "internal_error": (),
    "progress": (),
    "preparation": ("report", "standard_input", "production", "progress"),
    "flow_choice": (*FOUNDATION, "model", "checks", "production"),
    "explain": (
        *(*FOUNDATION, "natural", "artifact", "model", "fabric", "flows", "checks", "plan", "standard_input"),
        *("production", "preparation", "printing", "flow_choice", "counting"),
    ),
    "proving": (
        *(
            *FOUNDATION,
            "whole_file",
            "natural",
            "artifact",
            "load",
            "model",
            "fabric",
            "resolve",
            "flows",
            "plan",
            "write",
            "read",
        ),
        *("verify", "lab", "production", "preparation", "printing", "progress", "flow_choice", "counting"),
        *("standard_input", "git"),
    ),
    "graph": (
        *(*FOUNDATION, "whole_file", "natural", "model", "fabric", "flows", "checks"),
        *("production", "preparation", "printing", "flow_choice", "explain", "counting"),
    ),
    "command_group": ("standard_input", "printing"),
    "starter": (*FOUNDATION, "schema"),
    "importing": (
        *(*FOUNDATION, "standard_input", "natural", "counting", "schema", "model", "production"),
        *("printing", "command_group", "starter"),
    ),
    "summary": ("report", "counting", "write"),
    "cli": (
        *(
            *FOUNDATION,
            "schema",
            "write",
            "read",
            "production",
            "explain",
            "graph",
            "proving",
            "importing",
            "verify",
            "lab",
            "butane",
        ),
        *("preparation", "printing", "command_group", "progress", "starter", "summary"),
    ),
    "__main__": ("printing", "internal_error", "cli"),
}
"""By module or package directly below gen/netwright/; each row names only rows above it."""


def name_module(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(PROJECT / "gen").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_module(path): ast.parse(path.read_text()) for path in sorted((PROJECT / "gen" / "netwright").rglob("*.py"))
}
OURS = sorted(MODULES.keys() - {"netwright"})

LIBRARIES: dict[str, set[str]] = {
    "click": {
        "netwright.commands.main",
        "netwright.commands.group",
        *(module for module in OURS if module.endswith((".command", "_command"))),
    },
    "jinja2": {"netwright.templating.render", "netwright.templating.sandbox"},
    "subprocess": {
        "netwright.files.git",
        "netwright.lab.booted.machine",
        "netwright.lab.booted.world",
        "netwright.lab.keeping",
        "netwright.lab.machine",
        "netwright.lab.namespaces",
        "netwright.lab.shell",
        "netwright.verify.reading.nft_judge",
    },
    "jsonschema": {"netwright.schema.findings", "netwright.butane.conform"},
}
"""Who may import a library that is slow to load, starts programs, or has words that should stay in one place."""


def imports(module: str) -> set[str]:
    """The modules that a module imports, whether at its head or inside a function."""
    return {imported for statement in ast.walk(MODULES[module]) for imported in _imported(statement)}


def _imported(statement: ast.AST) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        assert statement.level == 0, f"line {statement.lineno}: a relative import"
        names = {f"{statement.module}.{alias.name}" for alias in statement.names}
        submodules = names & MODULES.keys()
        yield from submodules
        if names - submodules:
            yield statement.module or ""


def row(module: str) -> str:
    """The table's row for a module of ours."""
    return module.split(".")[1]


def test_every_module_is_in_the_table() -> None:
    assert {row(module) for module in OURS} <= MAY_IMPORT.keys()


def test_table_has_no_cycles() -> None:
    rows = list(MAY_IMPORT)

    for number, (name, allowed) in enumerate(MAY_IMPORT.items()):
        assert set(allowed) <= set(rows[:number]), name


@pytest.mark.parametrize("module", OURS)
def test_module_imports_only_what_the_table_allows(module: str) -> None:
    imported = {row(other) for other in imports(module) if other.startswith("netwright.")}

    assert imported - {row(module)} <= set(MAY_IMPORT[row(module)])


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: imports(module) & MODULES.keys() for module in MODULES}

    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_is_imported_only_where_it_belongs(library: str) -> None:
    importers = {module for module in OURS if library in {name.split(".")[0] for name in imports(module)}}

    assert importers == LIBRARIES[library]


def test_help_needs_nothing_but_click() -> None:
    script = (
        "import sys; from netwright.commands.main import netwright; netwright(['--help'], standalone_mode=False);"
        "print(*(name.split('.')[0] for name in sys.modules))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout

    assert not {"yaml", "jinja2", "netaddr", "jsonschema", "jsonschema_rs"} & {*printed.split()}
