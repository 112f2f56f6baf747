"""Files beside the topology: which are read, and which never."""

import os
from pathlib import Path

import pytest

from gen.project import SIZE_LIMIT, Project, ProjectFileError


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
