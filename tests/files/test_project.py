"""Files beside the topology: which are read, and which never."""

import os
import subprocess
from pathlib import Path

import pytest

from netwright.files.project import DEEPEST_FOLDER, SIZE_LIMIT, Project, ProjectFileError


def refusal(project: Project, path: str) -> str:
    with pytest.raises(ProjectFileError) as raised:
        project.read_text(path)
    return str(raised.value)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    (root / "snippets").mkdir(parents=True)
    (root / "snippets" / "a.bu").write_text("variant: flatcar\n")
    (tmp_path / "secret").write_text("secret\n")
    return Project(root=root)


def test_a_file_below_the_root_is_read(project: Project) -> None:
    assert project.read_text("snippets/a.bu").text == "variant: flatcar\n"


def test_a_missing_file_is_named(project: Project) -> None:
    assert refusal(project, "snippets/b.bu") == "there is no file snippets/b.bu below the topology's folder"


def test_dots_do_not_lead_out(project: Project) -> None:
    assert "leads out of the project" in refusal(project, "snippets/../../secret")


def test_a_symbolic_link_is_not_followed(project: Project) -> None:
    (project.root / "link.bu").symlink_to("snippets/a.bu")

    assert "symbolic link" in refusal(project, "link.bu")


def test_a_linked_folder_is_not_followed(project: Project) -> None:
    (project.root / "linked").symlink_to("..")

    assert "symbolic link" in refusal(project, "linked/secret")


def test_a_pipe_is_not_waited_for(project: Project) -> None:
    os.mkfifo(project.root / "pipe")

    assert "is not a regular file" in refusal(project, "pipe")


def test_a_folder_is_no_file(project: Project) -> None:
    assert refusal(project, "snippets") == "snippets is not a regular file"


def test_nothing_is_below_a_file(project: Project) -> None:
    assert refusal(project, "snippets/a.bu/b.bu") == ("there is no file snippets/a.bu/b.bu below the topology's folder")


def test_a_root_that_is_gone_is_named(tmp_path: Path) -> None:
    assert "the topology's folder, cannot be read" in refusal(Project(root=tmp_path / "gone"), "a.bu")


def test_bytes_that_are_no_text_are_refused(project: Project) -> None:
    (project.root / "latin").write_bytes(b"caf\xe9\n")

    assert refusal(project, "latin") == "latin is not UTF-8 text (byte 3)"


def test_a_large_file_is_refused(project: Project) -> None:
    with (project.root / "large").open("wb") as file:
        file.truncate(SIZE_LIMIT + 1)

    assert "larger than 4 MiB" in refusal(project, "large")


def test_a_folder_with_a_link_inside_is_refused(project: Project) -> None:
    (project.root / "snippets" / "link").symlink_to("a.bu")

    with pytest.raises(ProjectFileError, match="snippets/link is a symbolic link"):
        project.list_files("snippets")


def test_deep_folders_are_refused(project: Project) -> None:
    folder = project.root / "snippets"
    for _ in range(DEEPEST_FOLDER + 2):
        folder /= "a"
        folder.mkdir()
    (folder / "b").write_text("")

    with pytest.raises(ProjectFileError, match="snippets/a/a/a has more than 100 folders inside each other"):
        project.list_files("snippets")


@pytest.mark.parametrize("path", [".git/config", ".GIT/config", "snippets/.hg/hgrc", ".svn/entries", ".jj/x", ".git"])
def test_what_belongs_to_version_control_is_not_read(project: Project, path: str) -> None:
    file = project.root / path
    file.parent.mkdir(exist_ok=True)
    file.write_text("token")

    assert "belongs to version control" in refusal(project, path)


def begin_repository(folder: Path, ignored: str) -> None:
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / ".gitignore").write_text(ignored)


def test_what_git_ignores_is_not_read_and_the_rule_is_named(project: Project) -> None:
    begin_repository(project.root, "# secrets\n.env\nkeys/\n")
    (project.root / ".env").write_text("TOKEN=x")
    (project.root / "keys").mkdir()
    (project.root / "keys" / "a").write_text("x")

    assert refusal(project, ".env") == (
        ".env is ignored by git (.gitignore:2: .env), as secrets are; name another file, or let git keep it"
    )
    assert "is ignored by git (.gitignore:3: keys/)" in refusal(project, "keys/a")
    assert project.read_text("snippets/a.bu").text


def test_rules_of_a_repository_above_the_project_count(project: Project) -> None:
    begin_repository(project.root.parent, "*.bu\n!kept.bu\n")
    (project.root / "kept.bu").write_text("x")

    assert "is ignored by git (.gitignore:1: *.bu)" in refusal(project, "snippets/a.bu")
    assert project.read_text("kept.bu").text == "x"


def test_what_git_keeps_is_read_although_a_rule_fits(project: Project) -> None:
    begin_repository(project.root, "*.bu\n")
    subprocess.run(["git", "add", "--force", "snippets/a.bu"], cwd=project.root, check=True)

    assert project.read_text("snippets/a.bu").text


def test_a_project_that_is_ignored_as_a_whole_has_no_ignored_files(project: Project) -> None:
    begin_repository(project.root.parent, "/project/\n")

    assert project.read_text("snippets/a.bu").text


def test_a_repository_inside_of_the_project_is_asked_too(project: Project) -> None:
    begin_repository(project.root, "vendor/\n")
    begin_repository(project.root / "snippets", "b.bu\n")
    begin_repository(project.root / "vendor", "")
    (project.root / "snippets" / "b.bu").write_text("x")
    (project.root / "vendor" / "c").write_text("x")

    assert "is ignored by git (.gitignore:1: b.bu)" in refusal(project, "snippets/b.bu")
    assert "is ignored by git (.gitignore:1: vendor/)" in refusal(project, "vendor/c")
    assert project.read_text("snippets/a.bu").text


def test_nothing_is_read_before_git_can_say_what_it_ignores(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_repository(project.root, "")
    monkeypatch.setenv("PATH", "/nonexistent")

    assert "can't be read before git lists what it ignores, and it fails: git is not installed" in refusal(
        project, "snippets/a.bu"
    )


def test_git_is_not_asked_again_after_it_took_too_long(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.files.git_process.LONGEST_ANSWER", 0.5)
    begin_repository(project.root, "**/a/" * 20 + "b\n")
    deep = "/".join("a" * 60)
    (project.root / deep).mkdir(parents=True)
    (project.root / deep / "c").write_text("x")

    assert "git takes longer than 0.5 seconds to answer" in refusal(project, f"{deep}/c")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "git takes longer than 0.5 seconds to answer" in refusal(project, "snippets/a.bu")
