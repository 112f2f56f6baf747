"""Law of imports in gen/netwright/, read from the source: data flows one way, and there are no cycles."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.commands.group import COMMANDS

PROJECT = Path(__file__).parent.parent
VERIFY = ("verify.values", "verify.reading", "verify.network_model", "verify.forwarding", "verify.proof", "verify")
PACKAGE = PROJECT / "gen" / "netwright"

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # what everything stands on
    "text": (),
    "files": ("text",),
    "parallel": ("text", "files"),
    # a library of its own, and a proof that shares no code with what it proves
    "butane": ("text", "files"),
    "verify.values": (),
    "verify.reading": ("text", "verify.values"),
    "verify.network_model": ("text", "verify.values", "verify.reading"),
    "verify.forwarding": ("text", "verify.values", "verify.network_model"),
    "verify.proof": ("text", "verify.values", "verify.reading", "verify.network_model", "verify.forwarding"),
    "verify": ("verify.values", "verify.network_model", "verify.proof"),
    "lab": ("text", "files", *VERIFY),
    # text -> topology
    "schema": ("text", "files"),
    "model": ("text",),
    "parse": ("text", "model"),
    # topology -> findings and plans
    "topology": ("text", "model"),
    "flows": ("text", "model", "topology"),
    "checks": ("text", "parallel", "model", "topology", "flows"),
    "plan": ("text", "model", "topology", "flows"),
    # plans -> files
    "templating": ("text", "files", "model"),
    "targets": ("text", "files", "butane", "model", "plan", "templating"),
    "production": (
        *("text", "files", "schema", "model", "parse", "topology", "flows", "checks", "plan", "templating", "targets"),
    ),
    "write": ("text", "files", "parallel"),
    # what a topology and its files are asked
    "verify_input": (*("text", "files", "parallel", "model", "topology", "flows", "production", "write"), *VERIFY),
    "live": ("text", "files", "topology", "production", "verify_input", *VERIFY),
    "compare": (*("text", "files", "parallel", "topology", "production", "write", "verify_input"), *VERIFY),
    "matrix": ("text", "verify_input", *VERIFY),
    "repair": (
        *("text", "parallel", "topology", "flows", "plan", "production", "write", "verify_input"),
        *VERIFY,
    ),
    "rollout": (*("text", "topology", "production", "write", "verify_input", "compare"), *VERIFY),
    "apply": (
        *("text", "files", "topology", "production", "write", "verify_input", "compare", "rollout", "live"),
        *VERIFY,
    ),
    "verdict_formats": ("text", "verify_input", "compare", "matrix", "repair", *VERIFY),
    "explain": ("text", "files", "model", "flows", "plan", "production"),
    "graph": ("text", "files", "model", "topology", "flows", "explain"),
    "report": (
        *("text", "files", "model", "topology", "flows", "production", "verify_input", "compare", "matrix", "repair"),
        *("verdict_formats", "explain", "graph", *VERIFY),
    ),
    "export": ("text", "model", "topology"),
    "importing": ("text", "schema", "model", "production", "verify.values", "verify.reading"),
    # the command line, and documentation made from the code
    "commands": (
        *("text", "files", "parallel", "butane", "lab", "schema", "model", "topology", "checks", "production", "write"),
        *(
            "verify_input",
            "compare",
            "matrix",
            "repair",
            "rollout",
            "live",
            "apply",
            "verdict_formats",
            "explain",
            "graph",
            "report",
            "export",
            "importing",
            *VERIFY,
        ),
    ),
    "__main__": ("commands",),
    # the review of a change in CI, which runs the command line as a program
    "ci": ("text", "files"),
    "tools": ("text", "schema", "parse", "checks", "commands"),
}
"""By room of gen/netwright/; each row names only rows above it."""

PROVES = {"report", "envelope", "source", "yaml_parser", "natural", "counting"}
"""All of `text` that the proof may use: it reads and prints, and takes nothing from the way to what it proves."""


def name_module(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(PROJECT / "gen").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_module(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
OURS = sorted(MODULES.keys() - {"netwright"})

LIBRARIES: dict[str, set[str]] = {
    "click": {
        "netwright.commands.main",
        "netwright.commands.group",
        "netwright.commands.applying",
        "netwright.commands.collecting",
        "netwright.commands.completing",
        "netwright.commands.lab_group",
        "netwright.commands.options",
        "netwright.commands.verify_request",
        "netwright.tools.commands_docs",
        "netwright.tools.man_pages",
        *(f"netwright.commands.{name}" for name in COMMANDS),
    },
    "jinja2": {
        *("netwright.report.page", "netwright.templating.render", "netwright.templating.sandbox"),
        "netwright.templating.snippets",
    },
    "subprocess": {
        "netwright.ci.__main__",
        "netwright.files.git_process",
        "netwright.live.remote",
        "netwright.lab.booted.machine",
        "netwright.lab.booted.world",
        "netwright.lab.keeping",
        "netwright.lab.machine",
        "netwright.lab.namespaces",
        "netwright.lab.shell",
        "netwright.verify.reading.nft_judge",
    },
    "jsonschema": {"netwright.schema.findings", "netwright.butane.conform"},
    # Values are msgspec.Structs, which are made and compared faster (docs/performance.md).
    "dataclasses": set(),
}
"""Users of a library that is slow to load, starts programs, or has words that should stay in one place."""


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
    _, *parts = module.split(".")
    return next(name for name in (".".join(parts[:2]), parts[0]) if name in MAY_IMPORT)


def test_every_module_is_in_the_table() -> None:
    assert {row(module) for module in OURS} == MAY_IMPORT.keys()


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


def test_the_proof_takes_nothing_from_what_it_proves() -> None:
    taken = {
        other
        for module in OURS
        if module.startswith(("netwright.verify.", "netwright.lab."))
        for other in imports(module)
        if other.startswith("netwright.text.")
    }

    assert taken <= {f"netwright.text.{name}" for name in PROVES}


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_is_imported_only_where_it_belongs(library: str) -> None:
    importers = {module for module in OURS if library in {name.split(".")[0] for name in imports(module)}}

    assert importers == LIBRARIES[library]


def test_only_targets_look_at_the_family_of_a_system() -> None:
    """Anything else asks what the system can do (OperatingSystem), so that a new one changes few files."""
    asking = {
        name
        for name, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Family"
    }

    assert asking == {"netwright.model.systems", "netwright.targets"}


def test_help_needs_nothing_but_click() -> None:
    script = (
        "import sys; from netwright.commands.main import netwright; netwright(['--help'], standalone_mode=False);"
        "print(*(name.split('.')[0] for name in sys.modules))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout

    assert not {"yaml", "jinja2", "netaddr", "jsonschema", "jsonschema_rs"} & {*printed.split()}
