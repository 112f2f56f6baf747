"""examples/terraform: its HCL, the values that it gets, and which nodes become guests."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.netwright import PROJECT, environment, netwright

EXAMPLE = PROJECT / "examples/terraform"
MODULE = EXAMPLE / "modules/libvirt"
VALUES = "cluster.auto.tfvars.json"
FILES = sorted(EXAMPLE.rglob("*.tf"))


def parsed(file: Path) -> dict[str, Any]:
    """Return a file as python-hcl2 reads it."""
    command = [sys.executable, "-m", "hcl2", "--strip-string-quotes", str(file)]
    document: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return document


def declared(files: list[Path], kind: str) -> set[str]:
    """Return the names of all blocks of a kind, such as `variable`, or `TYPE.NAME` of a resource."""
    names = set[str]()
    for file in files:
        for block in parsed(file).get(kind, ()):
            ((name, below),) = ((key, value) for key, value in block.items() if not key.startswith("__"))
            names |= {name} if kind != "resource" else {f"{name}.{each}" for each in below if not each.startswith("__")}
    return names


def test_the_values_are_those_of_the_topology() -> None:
    run = netwright("export", "--format", "tfvars", cwd=EXAMPLE)

    assert run.stdout == (EXAMPLE / VALUES).read_text(), "export them again, and read git diff"


def test_every_value_has_its_variable() -> None:
    assert declared([EXAMPLE / "variables.tf"], "variable") == json.loads((EXAMPLE / VALUES).read_text()).keys()


@pytest.mark.parametrize("folder", [EXAMPLE, MODULE], ids=["root", "module"])
def test_every_name_is_declared(folder: Path) -> None:
    files = sorted(folder.glob("*.tf"))
    text = "".join(file.read_text() for file in files)

    assert set(re.findall(r"\bvar\.(\w+)", text)) <= declared(files, "variable")
    used = set(re.findall(r"\b((?:libvirt_\w+|terraform_data)\.\w+)", text))
    assert used <= declared(files, "resource")
    local = {name for file in files for block in parsed(file).get("locals", ()) for name in block}
    assert set(re.findall(r"\blocal\.(\w+)", text)) <= local


def test_the_module_names_keys_that_nodes_and_networks_have() -> None:
    text = "".join(file.read_text() for file in MODULE.glob("*.tf"))
    values = json.loads((EXAMPLE / VALUES).read_text())
    cards = [card for node in values["nodes"].values() for card in node["interfaces"].values()]

    assert set(re.findall(r"\bnetwork\.(\w+)", text)) <= values["networks"]["front"].keys()
    ours = {"cards", "size"}
    assert set(re.findall(r"\b(?:node|guest|each\.value)\.(\w+)", text)) - ours <= values["nodes"]["db1"].keys()
    assert set(re.findall(r"\bcard\.(\w+)", text)) <= cards[0].keys() | {"network"}
    assert set(re.findall(r"addresses\[0\]\.(\w+)", text)) <= cards[0]["addresses"][0].keys()


def test_the_files_that_the_module_reads_are_in_out() -> None:
    paths = re.findall(r'file\("\$\{var\.out\}/(.+?)"\)', (MODULE / "main.tf").read_text())

    assert len(paths) == 4
    for path in paths:
        node = "web1" if "cloud-init" in path else "db1"
        assert (EXAMPLE / "out" / path.replace("${each.key}", node)).is_file()


@pytest.mark.platform
def test_terraform_finds_the_guests_with_their_cards(tmp_path: Path) -> None:
    program = shutil.which("tofu") or shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is missing, and no package of Debian or PyPI brings it")
    for file in (MODULE / "guests.tf", MODULE / "variables.tf", EXAMPLE / VALUES):
        shutil.copy(file, tmp_path)
    (tmp_path / "shown.tf").write_text('output "guests" {\n  value = local.guests\n}\n')
    given = {"out": "out", "images": {}, "sizes": {"web1": {"memory": 8192}}}
    (tmp_path / "given.auto.tfvars.json").write_text(json.dumps(given))

    def run(*arguments: str, cwd: Path = tmp_path) -> str:
        variables = environment(CHECKPOINT_DISABLE="1", HOME=str(tmp_path))
        done = subprocess.run(
            [program, *arguments], cwd=cwd, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("init", "-no-color")
    run("apply", "-auto-approve", "-no-color")
    guests = json.loads(run("output", "-json", "guests"))

    assert {name: (guest["cards"], guest["size"]["memory"]) for name, guest in guests.items()} == {
        "web1": ([{"mac": "52:54:00:17:03:11", "network": "front"}], 8192),
        "db1": ([{"mac": "52:54:00:17:04:21", "network": "back"}], 4096),
        "db2": ([{"mac": "52:54:00:17:04:22", "network": "back"}], 4096),
    }
    run("fmt", "-check", "-recursive", cwd=EXAMPLE)
