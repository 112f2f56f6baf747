"""Form of the recipes: each is judged by the program or the published schema of the host that reads it."""

import subprocess
import sys

import pytest
import yaml

from tests.netwright import PROJECT, environment

TOOLS = {
    "action.yml": ("check_jsonschema", "--builtin-schema", "vendor.github-actions"),
    "ci/gitlab.yml": ("check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"),
    ".pre-commit-hooks.yaml": ("pre_commit", "validate-manifest"),
}


def judge(path: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *TOOLS[path], path if text is None else "/dev/stdin"],
        cwd=PROJECT,
        env=environment(),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", TOOLS)
def test_a_recipe_has_the_form_that_its_host_reads(path: str) -> None:
    run = judge(path)

    assert run.returncode == 0, run.stdout + run.stderr


def test_every_step_of_the_action_is_shell() -> None:
    steps = yaml.safe_load((PROJECT / "action.yml").read_text())["runs"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]

    assert len(scripts) == 2
    for script in scripts:
        checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert checked.stderr == ""


def test_the_containerfile_copies_what_is_there_and_runs_shell() -> None:
    joined = (PROJECT / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in joined.splitlines() if line and not line.startswith("#")]
    allowed = set((PROJECT / ".containerignore").read_text().splitlines())

    copied = [path for word, rest in steps if word == "COPY" and "--from" not in rest for path in rest.split()[:-1]]
    assert len(copied) == 7
    for path in copied:
        assert (PROJECT / path).exists()
        assert f"!{path.partition('/')[0]}" in allowed
    for script in (rest for word, rest in steps if word == "RUN"):
        checked = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
        assert checked.stderr == ""
    known = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in steps} <= known
