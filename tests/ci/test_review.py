"""A review in CI: the steps of action.yml and ci/gitlab.yml, run by bash against an API on loopback."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.fake_api import FakeApi, served_api
from tests.netwright import PROJECT, environment, netwright

ACTION: dict[str, Any] = yaml.safe_load((PROJECT / "action.yml").read_text())
GITLAB: dict[str, Any] = yaml.safe_load((PROJECT / "ci/gitlab.yml").read_text())
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
  db1: {os: flatcar, interfaces: {eth0: {network: back, address: 10.17.4.24}}}
flows:
  database: {from: lb1, to: db1, allow: [tcp/5432]}
"""
RULES = "out/gw/rootfs/etc/nftables/netwright.nft"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """The code host."""
    with served_api() as api:
        yield api


@pytest.fixture
def change(tmp_path: Path) -> Path:
    """A repository in which the last commit opens a port more."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "topology.yaml").write_text(TOPOLOGY)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    (folder / "topology.yaml").write_text(TOPOLOGY.replace("[tcp/5432]", "[tcp/5432, tcp/22]"))
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    person = {f"GIT_{role}_{key}": "ops" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(**person), check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path) -> None:
    assert netwright("generate", "--quiet", cwd=folder).status == 0
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "A state")


def pythons(folder: Path) -> str:
    """A PATH on which `python` is ours, as in the virtual environment that the action makes."""
    programs = folder / "netwright/bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python").chmod(0o755)
    return f"{programs}:{os.environ['PATH']}"


def on_github(change: Path, api: FakeApi, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Runs the step of action.yml that reviews, with its inputs, as a job for pull request 5 does."""
    temporary = change.parent
    event = {"pull_request": {"number": 5, "base": {"sha": git(change, "rev-parse", "HEAD~1")}}}
    (temporary / "event.json").write_text(json.dumps(event))
    defaults = {name: str(value["default"]) for name, value in ACTION["inputs"].items()}
    values = {f"inputs.{name}": value for name, value in (defaults | {"token": "secret"} | inputs).items()}
    (step,) = (step for step in ACTION["runs"]["steps"] if "netwright.ci" in step.get("run", ""))
    assert "${{" not in step["run"], "values of a change would be read as shell"
    variables = {
        name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: values[found[1]], text) for name, text in step["env"].items()
    }
    variables |= {
        "GITHUB_API_URL": api.url,
        "GITHUB_REPOSITORY": "ops/net",
        "GITHUB_EVENT_PATH": str(temporary / "event.json"),
        "GITHUB_STEP_SUMMARY": str(temporary / "summary.md"),
        "RUNNER_TEMP": str(temporary),
        "PATH": pythons(temporary),
    }
    return bash(step["run"], change, variables)


def on_gitlab(change: Path, api: FakeApi, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the job's script, as one for merge request 5 does."""
    given = {
        "CI_API_V4_URL": f"{api.url}/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "5",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(change, "rev-parse", "HEAD~1"),
        "NETWRIGHT_TOKEN": "secret",
        "PATH": pythons(change.parent),
    }
    job = GITLAB["netwright"]
    return bash("\n".join(job["script"]), change, {**job["variables"], **given, **variables})


def bash(script: str, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # As GitHub and GitLab run a step: stop at the first command that fails.
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_run_creates_the_comment_and_the_second_updates_it(change: Path, api: FakeApi) -> None:
    for number in range(3):
        api.add(f"A question, number {number}", by="somebody")

    first = on_github(change, api)
    created = api.comments[-1]["body"]
    (change / "topology.yaml").write_text(TOPOLOGY.replace("[tcp/5432]", "[tcp/5432, tcp/443]"))
    commit(change)
    second = on_github(change, api)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert created.startswith("<!-- netwright: topology.yaml -->\n")
    assert "opens" in created
    assert len(api.comments) == 4
    assert "tcp/443" in api.comments[-1]["body"]
    written = [call for call in api.asked if call[0] != "GET"]
    assert written == [
        ("POST", "/repos/ops/net/issues/5/comments"),
        ("PATCH", "/repos/ops/net/issues/comments/103"),
    ]
    assert api.tokens == {"Bearer secret"}
    assert (change.parent / "summary.md").read_text() == created + api.comments[-1]["body"]


def test_a_failing_proof_is_told_and_fails_the_job(change: Path, api: FakeApi) -> None:
    for file in (change / RULES, change / "out/gw/cloud-init/user-data"):
        file.write_text(file.read_text().replace("tcp dport", "udp dport"))

    run = on_github(change, api)

    assert run.returncode == 1
    (comment,) = api.comments
    assert "FILTERED" in comment["body"]
    assert "is not what `topology.yaml` generates" in comment["body"]
    assert "+		ip saddr 10.17.3.12" in comment["body"]
    lines = run.stdout.splitlines()
    assert [line for line in lines if line.startswith(f"::error file={RULES},line=")]
    sarif = json.loads((change.parent / "netwright.sarif").read_text())
    assert "FILTERED" in {result["ruleId"] for result in sarif["runs"][0]["results"]}


def test_a_topology_with_an_error_is_told_and_fails_the_job(change: Path, api: FakeApi) -> None:
    (change / "topology.yaml").write_text(TOPOLOGY.replace("10.17.4.24", "10.17.9.24"))

    run = on_github(change, api)

    assert run.returncode == 2
    assert "::error file=topology.yaml,line=12" in run.stdout
    assert "can't read `topology.yaml`" in api.comments[0]["body"]


def test_a_refused_comment_does_not_change_the_verdict(change: Path, api: FakeApi) -> None:
    api.refuses = 403

    run = on_github(change, api)

    assert run.returncode == 0
    assert "no comment: POST" in run.stderr
    assert "403" in run.stderr
    assert "opens" in (change.parent / "summary.md").read_text()


def test_a_comment_of_another_person_with_the_mark_is_left_alone(change: Path, api: FakeApi) -> None:
    api.add("<!-- netwright: topology.yaml -->\nAll is well!", by="mallory", number=8)

    on_github(change, api)

    assert api.comments[0]["body"].endswith("All is well!")
    assert len(api.comments) == 2


def test_a_module_of_the_change_is_not_run(change: Path, api: FakeApi) -> None:
    for name in ("json.py", "netwright.py", "argparse.py"):
        (change / name).write_text("print('taken')\n")

    run = on_github(change, api)

    assert run.returncode == 0
    assert "taken" not in run.stdout + run.stderr


def test_a_merge_that_is_checked_out_is_compared_with_its_first_parent(change: Path, api: FakeApi) -> None:
    git(change, "checkout", "-q", "-b", "topic", "HEAD~1")
    (change / "note").write_text("An unrelated file.\n")
    commit(change)
    git(change, "checkout", "-q", "main")
    git(change, "merge", "-q", "--no-ff", "-m", "Merge", "topic")

    on_github(change, api)

    assert "HEAD^1" in api.comments[0]["body"]
    assert "opens" not in api.comments[0]["body"]


def test_without_its_base_the_change_is_proved_all_the_same(change: Path, api: FakeApi) -> None:
    run = on_github(change, api, against="f" * 40)

    assert run.returncode == 0
    assert "nothing is compared" in run.stderr
    assert "1 of 1 flow" in api.comments[0]["body"]


def test_a_token_is_sent_in_the_clear_to_no_other_computer(change: Path) -> None:
    api = FakeApi("http://192.0.2.1")

    run = on_github(change, api)

    assert run.returncode == 0
    assert "is no https:// address" in run.stderr


def test_gitlab_gets_its_reports_and_one_note(change: Path, api: FakeApi) -> None:
    rules = change / RULES
    rules.write_text(rules.read_text().replace("tcp dport 22", "tcp dport 2222"))
    shutil.copy(rules, change / "out/gw/cloud-init/netwright.nft")

    runs = [on_gitlab(change, api) for _ in range(2)]

    assert [run.returncode for run in runs] == [1, 1]
    assert len(api.comments) == 1
    notes = "/api/v4/projects/3/merge_requests/5/notes"
    assert [call for call in api.asked if call[0] != "GET"] == [("POST", notes), ("PUT", f"{notes}/100")]
    reports = change / "netwright-reports"
    quality = json.loads((reports / "netwright-quality.json").read_text())
    assert quality
    for entry in quality:
        assert entry.keys() == {"check_name", "description", "fingerprint", "severity", "location"}
        lines = (change / entry["location"]["path"]).read_text().splitlines()
        assert 1 <= entry["location"]["lines"]["begin"] <= len(lines)
    assert len({entry["fingerprint"] for entry in quality}) == len(quality)
    kept = GITLAB["netwright"]["artifacts"]["reports"].values()
    assert all((change / path).is_file() for path in kept)


def test_gitlab_without_a_token_says_which_one_is_missing(change: Path, api: FakeApi) -> None:
    run = on_gitlab(change, api, NETWRIGHT_TOKEN="")

    assert run.returncode == 0
    assert "NETWRIGHT_TOKEN is not set" in run.stderr
    assert api.asked == []
