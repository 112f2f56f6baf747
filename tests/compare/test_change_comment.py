"""The comment on a change: what it says first, what it leaves out, and how long it gets."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.netwright import environment, netwright

TOPOLOGY = """\
version: 1
name: lab
networks:
  front: {cidr: 10.17.3.0/24, router: gw}
  back: {cidr: 10.17.4.0/24, router: gw}
nodes:
  gw:
    os: rocky10
    firewalld: masked
    interfaces: {eth0: {network: front, address: 10.17.3.1}, eth1: {network: back, address: 10.17.4.1}}
  lb1: {os: rocky10, firewalld: absent, interfaces: {eth0: {network: front, address: 10.17.3.12}}}
  lb2: {os: rocky10, firewalld: absent, interfaces: {eth0: {network: front, address: 10.17.3.13}}}
  db1: {os: flatcar, interfaces: {eth0: {network: back, address: 10.17.4.24}}}
flows:
  database: {from: lb1, to: db1, allow: [tcp/5432]}
  ssh: {from: lb2, to: db1, allow: [tcp/22]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a committed state."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    assert netwright("generate", cwd=tmp_path).status == 0
    commit(tmp_path)
    return tmp_path


def commit(folder: Path) -> None:
    person = {f"GIT_{role}_{key}": "ops" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "A state")):
        subprocess.run(["git", *words], cwd=folder, env=environment(**person), check=True)


def comment(folder: Path, *changes: tuple[str, str]) -> str:
    """Return the comment on changes of the topology, which are generated."""
    topology = folder / "topology.yaml"
    for old, new in changes:
        assert old in topology.read_text()
        topology.write_text(topology.read_text().replace(old, new))
    assert netwright("generate", "--quiet", cwd=folder).status == 0
    return netwright("verify", "--against", "HEAD", "--format", "markdown", cwd=folder).stdout


def test_the_first_line_is_the_verdict_and_what_changes_in_behaviour(project: Path) -> None:
    text = comment(project, ("from: lb2, to: db1, allow: [tcp/22]", "from: lb1, to: db1, allow: [tcp/22]"))

    assert text.startswith("### ✅ 2 of 2 flows proved; against `HEAD`: opens `ssh`; closes `ssh`\n")
    assert (
        "- **closes** `ssh` (no longer asked for: closes): `tcp/22 from lb2 to db1 (10.17.3.13 to 10.17.4.24)`" in text
    )
    assert "  - now: `FILTERED (lb2 -> gw)`" in text


def test_a_flow_that_got_another_name_is_asked_for_by_it(project: Path) -> None:
    text = comment(project, ("  ssh: {", "  remote-shell: {"))

    assert text.startswith("### ✅ 2 of 2 flows proved; against `HEAD`: asks by another flow for `ssh`\n")
    assert "**asks by another flow for** `ssh` (still asked for: by remote-shell: still arrives)" in text


def test_its_parts_stand_in_their_order_and_unchanged_flows_do_not(project: Path) -> None:
    text = comment(project, ("allow: [tcp/22]", "allow: [tcp/2222]"))

    parts = ["### ✅", "- **", "### 1 machine to change since `HEAD`", "```mermaid", "**1 node** to change", "```diff"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "database" not in text.partition("```diff")[0]
    assert "This holds if" not in text


def test_what_breaks_is_drawn_with_the_way_before_and_its_end_now(project: Path) -> None:
    for file in ("out/gw/rootfs/etc/nftables/netwright.nft", "out/gw/cloud-init/user-data"):
        (project / file).write_text((project / file).read_text().replace("tcp dport 5432", "tcp dport 5433"))

    text = netwright("verify", "--against", "HEAD", "--format", "markdown", "--no-repair", cwd=project).stdout

    assert text.startswith("### ❌ 1 of 2 flows proved; against `HEAD`: breaks `database`\n")
    picture = text.partition("```mermaid\n")[2].partition("```")[0].splitlines()
    boxes = re.findall(r'^  (n\d+)(?:\(\[|\[)"(.*?)"', "\n".join(picture), re.MULTILINE)
    ids = {name: number for number, name in boxes}
    assert f'  {ids["lb1"]} ---|"breaks database"| {ids["gw"]}' in picture
    assert f'  {ids["gw"]} -.->|"breaks database"| {ids["db1"]}' in picture
    assert f'  {ids["gw"]} ==>|"breaks database"| {ids["FILTERED"]}' in picture


def test_a_failure_that_stood_before_is_counted(project: Path) -> None:
    for file in ("out/gw/rootfs/etc/nftables/netwright.nft", "out/gw/cloud-init/user-data"):
        (project / file).write_text((project / file).read_text().replace("tcp dport 5432", "tcp dport 5433"))
    commit(project)

    text = netwright("verify", "--against", "HEAD", "--format", "markdown", "--no-repair", cwd=project).stdout

    assert text.startswith("### ❌ 1 of 2 flows proved; against `HEAD`: no flow changes its verdict or its way\n")
    assert "| ❌ | `database` | failed" in text
    assert "1 error stands in both states; `netwright verify` shows them." in text
    assert "```mermaid" not in text


def test_text_has_no_entities(project: Path) -> None:
    text = comment(project, ("allow: [tcp/22]", "allow: [tcp/2222]"))

    outside = re.sub(r"<summary>.*?</summary>", "", re.sub(r"```mermaid.*?```", "", text, flags=re.DOTALL))
    assert not re.search(r"&#?\w+;", outside)


def test_a_comment_on_500_nodes_is_not_refused(tmp_path: Path) -> None:
    """GitHub takes 65,536 characters."""
    nodes = "".join(
        f"  node-with-a-rather-long-name-{number}x{number % 7}: {{os: rocky10, firewalld: absent, "
        f"sysctl: {{net.core.somaxconn: {number}}}, "
        f"interfaces: {{eth0: {{network: front, address: 10.18.{number // 200}.{number % 200 + 10}}}}}}}\n"
        for number in range(1, 501)
    )
    text = TOPOLOGY.replace("10.17.3.0/24", "10.16.0.0/12").replace(
        "back: {cidr: 10.17.4.0/24", "back: {cidr: 10.9.4.0/24"
    )
    text = text.replace("10.17.4.", "10.9.4.").replace("flows:\n", f"{nodes}flows:\n")
    (tmp_path / "topology.yaml").write_text(text)
    assert netwright("generate", "--quiet", cwd=tmp_path).status == 0
    commit(tmp_path)

    said = comment(tmp_path, ("somaxconn", "optmem_max"))

    assert said.startswith("### ✅ 2 of 2 flows proved; against `HEAD`: ")
    assert "### 50" in said
    assert len(said) <= 64_000
    assert said.count("<details>") == said.count("</details>")
