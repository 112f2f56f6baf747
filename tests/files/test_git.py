"""Git in a folder that a stranger filled: each trick that makes it run, fetch, or show something else."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from netwright.files.git import Repository, find_repository
from netwright.files.git_process import GitError, GitLimitError, NoSuchRevisionError, git_environment

IDENTITY = ("-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "protocol.file.allow=always")
CONTENT = b"content of the commit\n"


def git(folder: Path, *words: str, feed: bytes = b"") -> str:
    run = subprocess.run(["git", *IDENTITY, *words], cwd=folder, input=feed, capture_output=True, check=True)
    return run.stdout.decode().strip()


def commit(folder: Path, *message: str) -> str:
    git(folder, "add", "--all", "--force", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", *(message or ("state",)))
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository with one commit of net/out/file and net/topology.yaml."""
    top = tmp_path / "top"
    (top / "net/out").mkdir(parents=True)
    git(top, "init", "--quiet", "--initial-branch=main")
    (top / "net/out/file").write_bytes(CONTENT)
    (top / "net/topology.yaml").write_bytes(b"version: 1\n")
    commit(top)
    return top


@pytest.fixture
def flag(tmp_path: Path) -> Iterator[Path]:
    """A file that no test's program may make."""
    yield tmp_path / "flag"
    assert not (tmp_path / "flag").exists()


def found(folder: Path) -> Repository:
    repository = find_repository(str(folder))
    assert repository is not None
    return repository


def contents(folder: Path, revision: str = "HEAD") -> dict[str, bytes]:
    """Return what the revision keeps of out/ in the folder."""
    repository = found(folder)
    blobs = repository.list_files(repository.resolve(revision), f"{folder}/out")
    return dict(zip(("/".join(blob.steps) for blob in blobs), repository.read_all(blobs), strict=True))


def plant_bare(folder: Path, config: str) -> None:
    """A bare repository made of files that a commit can contain, beside the project's own."""
    for name in ("objects/info", "objects/pack", "refs/heads"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "refs/heads/main").write_text("1" * 40)
    (folder / "config").write_text(config)


def program(flag: Path) -> str:
    """A command that leaves a trace, whatever arguments are added to it."""
    return f"touch {flag}; false"


def lazy(flag: Path, **remote: str) -> str:
    """The configuration of a clone that fetches what it lacks, by a program."""
    keys = "".join(f"\t{key} = {value}\n" for key, value in ({"url": "ssh://x/y", "promisor": "true"} | remote).items())
    return (
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
        f'\tsshCommand = "{program(flag)}"\n[extensions]\n\tpartialClone = origin\n[remote "origin"]\n{keys}'
    )


def test_a_bare_repository_beside_the_project_is_none(top: Path, flag: Path) -> None:
    plant_bare(top / "net", lazy(flag))

    assert contents(top / "net") == {"file": CONTENT}
    assert found(top / "net").top == str(top)


def test_without_a_repository_above_a_bare_one_is_none(tmp_path: Path, flag: Path) -> None:
    plant_bare(tmp_path / "net", lazy(flag))

    assert find_repository(str(tmp_path / "net")) is None


@pytest.mark.parametrize(
    "remote",
    [
        pytest.param({}, id="ssh"),
        pytest.param({"url": "ext::sh -c touch% FLAG"}, id="ext"),
        pytest.param({"vcs": "evil"}, id="helper"),
        pytest.param({"url": "SOURCE", "uploadpack": "touch FLAG;"}, id="upload-pack"),
    ],
)
def test_what_a_clone_lacks_is_not_fetched(top: Path, tmp_path: Path, flag: Path, remote: dict[str, str]) -> None:
    """Each protocol is allowed by the repository itself, which protocol.allow=never on its own does not outdo."""
    git(tmp_path, "clone", "--quiet", f"file://{top}", "clone")
    clone = tmp_path / "clone"
    digest = git(clone, "rev-parse", "HEAD:net/out/file")
    for pack in (clone / ".git/objects/pack").glob("*.pack"):
        moved = pack.rename(tmp_path / pack.name)
        (clone / ".git/objects/pack" / f"{pack.stem}.idx").unlink()
        git(clone, "unpack-objects", "-q", feed=moved.read_bytes())
    (clone / ".git/objects" / digest[:2] / digest[2:]).unlink()
    filled = {key: text.replace("FLAG", str(flag)).replace("SOURCE", str(top)) for key, text in remote.items()}
    allowed = "".join(f'[protocol "{name}"]\n\tallow = always\n' for name in ("ssh", "ext", "file", "evil"))
    (clone / ".git/config").write_text(lazy(flag, **filled).replace("bare = true", "bare = false") + allowed)

    with pytest.raises(GitError, match=r"lacks file in this clone; fetch it with git fetch"):
        contents(clone / "net")


def test_a_revision_that_a_clone_lacks_is_not_fetched(top: Path, flag: Path) -> None:
    (top / ".git/config").write_text(lazy(flag).replace("bare = true", "bare = false"))

    with pytest.raises(NoSuchRevisionError):
        found(top).resolve("1" * 40)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param("[core]\n\tfsmonitor = PROGRAM\n", id="fsmonitor"),
        pytest.param("[core]\n\tpager = PROGRAM\n[pager]\n\tcat-file = PROGRAM\n\tls-tree = PROGRAM\n", id="pager"),
        pytest.param('[diff "evil"]\n\ttextconv = PROGRAM\n\tcommand = PROGRAM\n', id="textconv"),
        pytest.param('[filter "evil"]\n\tsmudge = PROGRAM\n\tclean = PROGRAM\n\tprocess = PROGRAM\n', id="filters"),
        pytest.param("[alias]\n\tls-tree = !PROGRAM\n\trev-parse = !PROGRAM\n\tcat-file = !PROGRAM\n", id="alias"),
        pytest.param("[credential]\n\thelper = !PROGRAM\n[core]\n\taskPass = PROGRAM\n", id="credentials"),
    ],
)
def test_no_program_of_the_configuration_is_run(top: Path, flag: Path, config: str) -> None:
    (top / ".gitattributes").write_text("* diff=evil filter=evil text eol=crlf\n")
    (top / "net/out/file").write_bytes(CONTENT)
    commit(top)
    with open(top / ".git/config", "a") as file:
        file.write(config.replace("PROGRAM", f'"{program(flag)}"'))

    assert contents(top / "net") == {"file": CONTENT}
    assert found(top).read("HEAD", f"{top}/net/topology.yaml") == b"version: 1\n"
    assert found(top).ignoring_rules([f"{top}/net/out/file"]) == {}


def test_no_hook_is_run(top: Path, flag: Path) -> None:
    for hooks in (top / ".git/hooks", top / "hooks"):
        hooks.mkdir(exist_ok=True)
        for name in ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc"):
            (hooks / name).write_text(f"#!/bin/sh\n{program(flag)}\n")
            (hooks / name).chmod(0o755)
    git(top, "config", "core.hooksPath", str(top / "hooks"))

    assert contents(top / "net") == {"file": CONTENT}


def test_attributes_change_no_byte(top: Path) -> None:
    (top / ".gitattributes").write_text("net/** export-ignore export-subst text eol=crlf ident\n")
    (top / "net/out/id").write_bytes(b"$Id$ $Format:%H$\n")
    commit(top)

    assert contents(top / "net") == {"file": CONTENT, "id": b"$Id$ $Format:%H$\n"}


def test_another_work_tree_of_the_configuration_is_not_taken(top: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    git(top, "config", "core.worktree", str(tmp_path / "elsewhere"))

    assert contents(top / "net") == {"file": CONTENT}


def test_the_environment_names_no_other_repository(
    top: Path, tmp_path: Path, flag: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_bare(tmp_path / "other", lazy(flag))
    config = tmp_path / "config"
    config.write_text(f'[core]\n\tfsmonitor = "{program(flag)}"\n\tworktree = /\n')
    hostile = {
        **{name: str(tmp_path / "other") for name in ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE")},
        **{name: str(tmp_path / "other/objects") for name in ("GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE")},
        **{name: str(config) for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG")},
        **{name: program(flag) for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_ASKPASS")},
        "GIT_NAMESPACE": "evil",
        "GIT_EXEC_PATH": str(tmp_path),
        "GIT_CEILING_DIRECTORIES": str(top),
        "GIT_TRACE2": str(flag),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_CONFIG_PARAMETERS": "'core.bare'='true'",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)

    assert contents(top / "net") == {"file": CONTENT}


def test_the_configuration_of_the_machine_is_not_read(top: Path) -> None:
    """The environment that git gets, seen by a git that prints it."""
    assert git_environment()["GIT_CONFIG_NOSYSTEM"] == "1"
    assert found(top).resolve("HEAD")


def test_a_replacement_is_not_shown(top: Path) -> None:
    digest = git(top, "rev-parse", "HEAD:net/out/file")
    other = git(top, "hash-object", "-w", "--stdin", feed=b"replaced\n")
    git(top, "replace", digest, other)
    first = git(top, "rev-parse", "HEAD")
    (top / "net/out/file").write_bytes(b"second\n")
    git(top, "replace", first, commit(top))

    assert contents(top / "net", first) == {"file": CONTENT}


def test_a_graft_changes_no_parent(top: Path) -> None:
    first = git(top, "rev-parse", "HEAD")
    git(top, "checkout", "--quiet", "--orphan", "other")
    other = commit(top, "other")
    git(top, "checkout", "--quiet", "main")
    second = commit(top, "second")
    (top / ".git/info/grafts").write_text(f"{second} {other}\n")

    assert found(top).resolve("HEAD~1") == first


def test_an_alternate_gives_nothing_under_a_wrong_digest(top: Path, tmp_path: Path) -> None:
    """Git compares no digest when it reads: whoever fills an alternate could say what a commit contains."""
    digest = git(top, "rev-parse", "HEAD:net/out/file")
    own = top / ".git/objects" / digest[:2] / digest[2:]
    forged = git(top, "hash-object", "-w", "--stdin", feed=b"c0ntent of the commit\n")
    foreign = tmp_path / "objects" / digest[:2]
    foreign.mkdir(parents=True)
    (top / ".git/objects" / forged[:2] / forged[2:]).rename(foreign / digest[2:])
    own.unlink()
    (top / ".git/objects/info/alternates").write_text(f"{tmp_path}/objects\n")

    with pytest.raises(GitError, match="has a file whose contents are not those that were committed"):
        contents(top / "net")


def test_a_submodule_is_no_file_and_nothing_below_it_is_read(top: Path, tmp_path: Path, flag: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    commit(inner)
    git(top, "submodule", "--quiet", "add", f"file://{inner}", "net/out/inner")
    git(top, "config", "-f", ".gitmodules", "submodule.net/out/inner.update", f"!{program(flag)}")
    git(top, "config", "submodule.recurse", "true")
    commit(top)

    repository = found(top)
    blobs = repository.list_files(repository.resolve("HEAD"), f"{top}/net/out")

    assert {(blob.steps, blob.mode) for blob in blobs} == {(("file",), "100644"), (("inner",), "160000")}


def test_a_submodule_has_a_repository_of_its_own(top: Path, tmp_path: Path) -> None:
    git(top, "submodule", "--quiet", "add", f"file://{top}", "inner")

    assert found(top / "inner/net").top == str(top / "inner")
    assert contents(top / "inner/net") == {"file": CONTENT}


def test_a_further_work_tree_has_the_same_revisions(top: Path, tmp_path: Path) -> None:
    git(top, "worktree", "add", "--quiet", str(tmp_path / "further"))

    assert contents(tmp_path / "further/net", "main") == {"file": CONTENT}


def test_a_git_file_that_names_a_folder_of_the_change_is_refused(top: Path, flag: Path) -> None:
    plant_bare(top / "net/evil", lazy(flag))
    (top / "net/.git").write_text("gitdir: evil\n")

    with pytest.raises(GitError, match="names a repository among the files of the work tree"):
        find_repository(str(top / "net"))


@pytest.mark.parametrize("text", [b"", b"gitdir: nowhere\n", b"gitdir: \0\n", b"\xff"], ids=range(4))
def test_a_git_file_that_names_no_repository_is_refused(top: Path, text: bytes) -> None:
    (top / "net/.git").write_bytes(text)

    with pytest.raises(GitError, match="names no repository"):
        find_repository(str(top / "net"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_refused(top: Path) -> None:
    subprocess.run(["chown", "-R", "12345", top], check=True)

    with pytest.raises(GitError, match="dubious ownership"):
        found(top).resolve("HEAD")


def test_a_large_committed_file_is_refused_before_it_is_read(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.files.git.LARGEST_BLOB", len(CONTENT) - 1)

    with pytest.raises(GitError, match="has file, which is larger than"):
        contents(top / "net")


@pytest.mark.parametrize("revision", ["--output=flag", "-h", "", "nowhere", "HEAD:net", "HEAD\nHEAD"])
def test_what_is_no_commit_is_no_revision(top: Path, revision: str) -> None:
    with pytest.raises(NoSuchRevisionError):
        found(top).resolve(revision)


RULES = [
    pytest.param(".gitignore", ".env\n", ["net/.env"], ".gitignore:1: .env", id="name"),
    pytest.param(
        ".gitignore", "# x\n\n/net/keys/\n", ["net/keys/a", "net/keys/b/c"], ".gitignore:3: /net/keys/", id="dir"
    ),
    pytest.param("net/.gitignore", "*.key\n", ["net/a.key"], "net/.gitignore:1: *.key", id="below"),
    pytest.param(".git/info/exclude", "*.pem\n", ["net/a.pem"], ".git/info/exclude:1: *.pem", id="exclude"),
]


@pytest.mark.parametrize(("file", "text", "paths", "rule"), RULES)
def test_the_rule_that_ignores_a_file_is_named(
    top: Path, file: str, text: str, paths: Sequence[str], rule: str
) -> None:
    (top / file).write_text(text)
    ignored = [f"{top}/{path}" for path in paths]

    assert found(top).ignoring_rules([*ignored, f"{top}/net/topology.yaml"]) == dict.fromkeys(ignored, rule)


def test_the_users_own_rules_count(top: Path, tmp_path: Path) -> None:
    (tmp_path / "home/.config/git").mkdir(parents=True)
    (tmp_path / "home/.config/git/ignore").write_text("*.secret\n")

    rules = found(top).ignoring_rules([f"{top}/a.secret"])

    assert rules == {f"{top}/a.secret": f"{tmp_path}/home/.config/git/ignore:1: *.secret"}


def test_what_is_committed_or_excepted_is_not_ignored(top: Path) -> None:
    (top / "net/kept.key").write_text("public")
    commit(top)
    (top / ".gitignore").write_text("*.key\n!other.key\n")

    assert found(top).ignoring_rules([f"{top}/net/kept.key", f"{top}/other.key"]) == {}


@pytest.mark.parametrize("step", ["", ".", "net"])
def test_no_git_of_the_work_tree_is_run(top: Path, flag: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    own = top / step / "git"
    own.write_text(f"#!/bin/sh\n{program(flag)}\n")
    own.chmod(0o755)
    monkeypatch.chdir(top)
    monkeypatch.setenv("PATH", f"{step}{os.pathsep}{os.environ['PATH']}")

    assert contents(top / "net") == {"file": CONTENT}


def test_a_link_to_a_folder_of_the_change_is_refused(top: Path, flag: Path) -> None:
    plant_bare(top / "net/evil", lazy(flag))
    (top / "net/.git").symlink_to("evil")

    with pytest.raises(GitError, match="names a repository among the files of the work tree"):
        find_repository(str(top / "net"))


@pytest.mark.parametrize("name", [":!a", ":(top)a", ":(glob)*", ":", "a\nb", "*[a", '"a"'])
def test_a_name_that_git_has_a_meaning_for_is_a_name(top: Path, name: str) -> None:
    (top / name).write_text("x")
    (top / ".gitignore").write_text("*.key\n")

    assert found(top).ignoring_rules([f"{top}/{name}", f"{top}/{name}.key"]) == {
        f"{top}/{name}.key": ".gitignore:1: *.key"
    }


def test_a_pattern_that_takes_for_ever_is_given_up(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `**/` of it fits at any depth, so that git tries them all in all ways."""
    monkeypatch.setattr("netwright.files.git_process.LONGEST_ANSWER", 0.5)
    file = top.joinpath(*"a" * 60, "file")
    file.parent.mkdir(parents=True)
    (top / ".gitignore").write_text("**/a/" * 20 + "b\n")

    with pytest.raises(GitLimitError, match=r"git takes longer than 0\.5 seconds to answer"):
        found(top).ignoring_rules([str(file)])


def test_trees_that_name_themselves_are_not_listed(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.files.git_process.LARGEST_ANSWER", 1 << 20)
    tree = git(top, "rev-parse", "HEAD:net")
    for _ in range(5):
        tree = git(top, "mktree", feed="".join(f"040000 tree {tree}\t{name}\n" for name in "abcdefghij").encode())
    for name in ("out", "net"):
        tree = git(top, "mktree", feed=f"040000 tree {tree}\t{name}\n".encode())

    with pytest.raises(GitLimitError, match="has so many files that git lists more than 1 MiB"):
        contents(top / "net", git(top, "commit-tree", tree, "-m", "bomb"))
