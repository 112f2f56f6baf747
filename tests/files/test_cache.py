"""The cache directory: used only where it is the user's own, and never needed."""

from pathlib import Path

import pytest
import yaml

from netwright.files.cache import cache_directory
from netwright.files.resources import read_schema_file, resource_dir, resource_text
from tests.netwright import environment, netwright


def test_directory_is_made_for_the_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_directory() == str(tmp_path / "netwright")
    assert (tmp_path / "netwright").stat().st_mode & 0o777 == 0o700


def test_directory_that_others_may_write_to_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "netwright").mkdir()
    (tmp_path / "netwright").chmod(0o777)

    assert cache_directory() is None


def test_link_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "netwright").symlink_to("elsewhere")

    assert cache_directory() is None


def test_file_in_its_place_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "netwright").write_text("")

    assert cache_directory() is None


@pytest.mark.parametrize("folders", [1, 3000])
def test_place_that_can_not_be_made_is_left_alone(monkeypatch: pytest.MonkeyPatch, folders: int) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc" + "/a" * folders)

    assert cache_directory() is None


@pytest.mark.parametrize("damage", [b"", b"garbage"], ids=["empty", "garbage"])
def test_damaged_templates_are_compiled_again(project: Path, tmp_path: Path, damage: bytes) -> None:
    env = environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
    first = netwright("check", cwd=project, env=env)
    kept = sorted((tmp_path / "cache" / "netwright").glob("template-*"))
    for file in kept:
        file.write_bytes(damage)

    second = netwright("check", cwd=project, env=env)

    assert kept
    assert (first.status, second.status) == (0, 0)
    assert damage not in {file.read_bytes() for file in kept}


@pytest.mark.parametrize("damage", [b"", b"garbage", b"[]"], ids=["empty", "garbage", "list"])
def test_damaged_schemas_are_read_again(project: Path, tmp_path: Path, damage: bytes) -> None:
    env = environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
    first = netwright("generate", cwd=project, env=env)
    kept = {file: file.read_bytes() for file in (tmp_path / "cache" / "netwright").glob("schema-*")}
    for file in kept:
        file.write_bytes(damage)

    # Other inputs, so that Butane's schema is asked for again.
    (project / "topology.yaml").write_text((project / "topology.yaml").read_text() + "\n# changed\n")
    second = netwright("generate", cwd=project, env=env)

    assert len(kept) == 2
    assert (first.status, second.status) == (0, 0)
    assert kept == {file: file.read_bytes() for file in kept}


@pytest.mark.parametrize("name", [path.name for path in resource_dir("schema").iterdir()])
def test_schema_is_the_same_from_the_cache(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    first, second = read_schema_file(name), read_schema_file(name)

    assert len(list((tmp_path / "netwright").glob("schema-*.json"))) == 1
    assert repr(first) == repr(second) == repr(yaml.safe_load(resource_text("schema", name)))
