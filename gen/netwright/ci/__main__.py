"""`python -P -m netwright.ci github|gitlab`: the job's steps, each a run of netwright."""

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from netwright.ci.api import ApiError
from netwright.ci.code_quality import render_code_quality
from netwright.ci.hosts import Change, github_change, gitlab_change
from netwright.files.git import find_repository
from netwright.files.git_process import GitError

NETWRIGHT = (sys.executable, "-P", "-m", "netwright")
"""The program; -P, so that no module of it can lie in the folder under review."""

LIMIT = 65_000
"""Most characters of a comment: GitHub takes 65,536."""
NO_REVISION = "0" * 40
"""What hosts give as the revision before the first one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps, write the reports, publish the comment; return 0 only if check and verify both end well."""
    asked = _parser().parse_args(arguments)
    where = (asked.topology, "--out", asked.out)
    annotate = ("--format", "github") if asked.host == "github" else ()
    checked = _show("check", *where, *annotate)
    verified = _show("verify", *where, *annotate)
    if verified < 2:
        _reports(asked.reports, where, code_quality=asked.host == "gitlab")
    try:
        change = (github_change if asked.host == "github" else gitlab_change)(os.environ)
        body = _body(asked.topology, where, asked.against or _base(change), checked)
        _summarize(body)
        _publish(change, _mark(asked.topology), body)
    except ApiError as error:
        # The verdict stands whether or not it can be told: jobs on changes from forks may not write comments.
        _say(f"no comment: {error}")
    return max(checked, verified)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -P -m netwright.ci", description=__doc__)
    parser.add_argument("host", choices=("github", "gitlab"))
    parser.add_argument("--topology", default="topology.yaml")
    parser.add_argument("--out", default="out", help="the directory OUT")
    parser.add_argument("--against", default="", help="the revision to compare with; else where the change starts")
    parser.add_argument("--reports", default=".", help="the directory for netwright.sarif and the other reports")
    return parser


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*NETWRIGHT, *arguments), stdout=subprocess.PIPE, encoding="utf-8", check=False)  # noqa: S603


def _show(*arguments: str) -> int:
    """Run netwright with its output in the log, and return its exit status."""
    print(f"$ netwright {' '.join(arguments)}", flush=True)
    return subprocess.run((*NETWRIGHT, *arguments), check=False).returncode  # noqa: S603 (ours, with a user's words)


def _reports(folder: str, where: tuple[str, ...], *, code_quality: bool) -> None:
    """Write netwright.sarif, and at GitLab its reports as well: netwright.xml (JUnit) and netwright-quality.json."""
    sarif = _run("verify", *where, "--no-repair", "--format", "sarif").stdout
    reports = {"netwright.sarif": sarif}
    if code_quality:
        reports["netwright-quality.json"] = render_code_quality(sarif)
        reports["netwright.xml"] = _run("verify", *where, "--no-repair", "--format", "junit").stdout
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in reports.items():
        Path(folder, name).write_text(text, encoding="utf-8")


def _base(change: Change) -> str | None:
    """Return what the change is compared with; where a merge is checked out, that is its first parent."""
    repository = find_repository(os.getcwd())
    if repository is not None:
        with contextlib.suppress(GitError):
            repository.resolve("HEAD^2")
            return "HEAD^1"
    return change.base if change.base != NO_REVISION else None


def _body(topology: str, where: tuple[str, ...], base: str | None, checked: int) -> str:
    """The comment: what the change does, and if OUT is not up to date, what would change in it."""
    against = ("--against", base) if base is not None else ()
    run = _run("verify", *where, "--format", "markdown", *against)
    if run.returncode == 2 and against:
        _say(f"nothing is compared with {base}: netwright can't read it (is it in this clone, with its OUT?)")
        run = _run("verify", *where, "--format", "markdown")
    body = run.stdout or f"❌ netwright can't read `{topology}`; the job's log says why.\n"
    if checked == 1:
        differs = f"\n❌ `{where[2]}` is not what `{topology}` generates; run `netwright generate` and commit it.\n"
        shown = f"\n{_run('diff', *where, '--format', 'markdown').stdout}"
        room = LIMIT - len(_mark(topology)) - len(body) - len(differs)
        body += differs + (shown if len(shown) < room else "\n`netwright diff` shows how.\n")
    return f"{_mark(topology)}\n{body}"


def _mark(topology: str) -> str:
    """The line by which the comment is found again."""
    return f"<!-- netwright: {topology.replace('--', '')} -->"


def _summarize(body: str) -> None:
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(body)


def _publish(change: Change, mark: str, body: str) -> None:
    """Create or update the comment. Raises ApiError."""
    if change.comments is None:
        _say(f"no comment: {change.silent}")
    else:
        print(f"comment {change.comments.publish(mark, body)}")


def _say(text: str) -> None:
    print(f"netwright.ci: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
