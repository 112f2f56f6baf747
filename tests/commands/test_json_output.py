"""What commands print as JSON conforms to the schema that `netwright schema COMMAND` prints, closed to further keys."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from netwright.commands.group import COMMANDS
from netwright.schema.topology_schema import OUTPUT_SCHEMA, published_output_schema, read_schema
from tests.netwright import PROJECT, Run, environment, netwright

TOPOLOGY = """\
version: 1
name: lab
networks:
  front: {cidr: 10.17.3.0/24, router: gw}
  back: {cidr: 10.17.4.0/24, router: gw}
nodes:
  gw:
    os: rocky9
    firewalld: masked
    interfaces: {eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}
  lb1:
    os: rocky10
    firewalld: absent
    cloud_init: [ops.yaml.j2]
    interfaces: {eth0: {network: front, address: 10.17.3.12}}
  db1: {os: flatcar, interfaces: {eth0: {network: back, address: 10.17.4.24}}}
flows:
  database: {from: lb1, to: db1, allow: [tcp/5432]}
"""
RULES = ("out/gw/rootfs/etc/nftables/netwright.nft", "out/gw/cloud-init/user-data")
PRINTING = sorted(name for name in COMMANDS if published_output_schema(name) is not None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a committed OUT, and a warning."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    (tmp_path / "ops.yaml.j2").write_text('users:\n  - name: ops\n    passwd: {{ secret("OPS_HASH") }}\n')
    assert netwright("generate", "--quiet", cwd=tmp_path).status == 0
    person = {f"GIT_{role}_{key}": "ops" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "A state")):
        subprocess.run(["git", *words], cwd=tmp_path, env=environment(**person), check=True)
    return tmp_path


def closed(command: str) -> dict[str, Any]:
    """Return a command's published schema, in which an object has no further keys."""
    schema: dict[str, Any] = json.loads(published_output_schema(command) or "")
    for definition in schema["$defs"].values():
        if "properties" in definition:
            definition["additionalProperties"] = False
    return schema


def check(command: str, *arguments: str, cwd: Path) -> dict[str, Any]:
    """Return the object that a command prints, once it conforms."""
    run: Run = netwright(command, *arguments, "--format", "json", cwd=cwd)
    document: dict[str, Any] = json.loads(run.stderr if command == "butane" else run.stdout)
    errors = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(closed(command)).iter_errors(document)
    ]
    assert errors == []
    assert [*document][:2] == ["version", "findings"]
    return document


def test_reading_commands(project: Path) -> None:
    (project / "wrong.bu").write_text("variant: flatcar\nversion: 1.0.0\nstorage: {file: []}\n")
    route = "out/lb1/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection:14"

    assert check("validate", cwd=project)["findings"]
    assert check("secrets", cwd=project)["secrets"]
    assert check("explain", route, cwd=project)["reasons"]
    assert check("explain", "--flow", "database", cwd=project)["steps"]
    assert check("butane", "wrong.bu", cwd=project)["findings"]
    assert check("export", cwd=project)["nodes"]
    assert check("export", cwd=PROJECT)["kubernetes"]
    assert check("export", cwd=PROJECT / "examples/microcloud")["forwards"]


def test_commands_on_a_change(project: Path) -> None:
    (project / "out/db1/rootfs/etc/hostname").unlink()
    assert check("check", cwd=project)["differences"]
    (project / "topology.yaml").write_text(TOPOLOGY.replace("tcp/5432", "tcp/5433"))
    assert check("diff", cwd=project)["differences"]
    assert check("plan", cwd=project)["steps"]
    assert check("verify", "--against", "HEAD", "--matrix", cwd=project)["outdated"]
    assert check("generate", cwd=project)["changed"]
    assert check("verify", "--against", "HEAD", cwd=project)["changes"]


def test_a_refuted_flow_and_its_example(project: Path) -> None:
    for file in RULES:
        (project / file).write_text((project / file).read_text().replace("tcp dport 5432", "udp dport 5432"))

    document = check("verify", cwd=project)

    assert document["findings"][0]["example"]["there"]


def test_machines_that_can_not_be_reached(project: Path) -> None:
    (project / "ssh_config").write_text("Host *\n  ProxyCommand false\n")
    reached = ("--ssh-config", "ssh_config")

    assert check("status", str(project / "out"), cwd=project)["nodes"][0]["problem"]
    assert check("status", "--ssh", *reached, cwd=project)["nodes"][0]["problem"]
    assert check("apply", *reached, cwd=project)["machines"]
    assert check("rollback", *reached, cwd=project)["machines"]


def test_a_trial(project: Path) -> None:
    assert check("lab", "--apply", "ip", cwd=project)["flows"][0]["probes"]


def test_each_command_with_json_has_a_schema_and_is_tried_here() -> None:
    text = Path(__file__).read_text()

    assert PRINTING
    assert all(f'check("{command}"' in text for command in PRINTING)
    for command in COMMANDS:
        has_json = (
            "json" in netwright(command, "--help", cwd=PROJECT).stdout.partition("--format [")[2].partition("]")[0]
        )
        assert has_json == (command in PRINTING), command


def test_every_definition_is_used_and_told() -> None:
    definitions = read_schema(OUTPUT_SCHEMA)["$defs"]
    used = {name for command in PRINTING for name in json.loads(published_output_schema(command) or "")["$defs"]}

    assert used == definitions.keys()
    assert all(definition["description"].endswith(".") for definition in definitions.values())


def test_a_command_without_json_is_refused() -> None:
    run = netwright("schema", "graph", cwd=PROJECT)

    assert run.status == 2
    assert "graph prints no JSON" in run.stderr
