"""The wheel and the sdist: what is in them, and that the installed command works far from the checkout."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.netwright import PROJECT, environment, netwright
from tests.trees import read_tree


def build(source: Path, into: Path) -> None:
    """Build sdist and wheel of a source tree."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(into)],
        cwd=source,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build(PROJECT, folder)
    return folder


def wheel_of(dist: Path) -> Path:
    """The only wheel in a folder."""
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel in it; the libraries that it needs are those of this one."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            wheel_of(dist),
        ],
        env=environment(PIP_DISABLE_PIP_VERSION_CHECK="1"),
        check=True,
        capture_output=True,
    )
    return folder


def files_below(folder: str) -> set[str]:
    """The project's files below a folder."""
    paths = (PROJECT / folder).rglob("*")
    return {str(path.relative_to(PROJECT)) for path in paths if path.is_file() and "__pycache__" not in path.parts}


def test_wheel_holds_the_code_its_templates_and_schemas_and_nothing_else(dist: Path) -> None:
    written = files_below("gen/netwright") - files_below("gen/netwright/tools")
    code = {path.removeprefix("gen/") for path in written}
    expected = code | {f"netwright/_data/{path}" for path in files_below("templates") | files_below("schema")}

    with zipfile.ZipFile(wheel_of(dist)) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert names == expected


def test_wheel_names_license_and_requirements(dist: Path) -> None:
    with zipfile.ZipFile(wheel_of(dist)) as wheel:
        (path,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(path).decode())
        license_text = wheel.read(path.replace("METADATA", "licenses/LICENSE")).decode()

    assert metadata["Name"] == "netwright"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert license_text.lstrip().startswith("Apache License\n")
    required = {line.split(">")[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert required == {"click", "jinja2", "jsonschema", "jsonschema-rs", "msgspec", "netaddr", "pyyaml"}


def test_wheel_built_from_the_sdist_is_the_same(dist: Path, tmp_path: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    # tarfile warns of an extraction without a filter from 3.12 on, and knows none in Debian 12's 3.11.2.
    subprocess.run(["tar", "--extract", "--file", sdist, "--directory", tmp_path], check=True)
    (unpacked,) = tmp_path.iterdir()

    build(unpacked, tmp_path / "again")

    with zipfile.ZipFile(wheel_of(dist)) as direct, zipfile.ZipFile(wheel_of(tmp_path / "again")) as again:
        assert {name: direct.read(name) for name in direct.namelist()} == {
            name: again.read(name) for name in again.namelist()
        }


def test_installed_command_works_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    variables = environment()
    del variables["PYTHONPATH"]

    for command in ("init", "generate", "check"):
        finished = subprocess.run(
            [installed / "bin/netwright", command], cwd=here, env=variables, capture_output=True, text=True, check=False
        )
        from_checkout = netwright(command, cwd=there)

        assert (finished.returncode, finished.stdout, finished.stderr) == (0, from_checkout.stdout, "")
    assert read_tree(here) == read_tree(there)


def test_installed_command_brings_its_own_templates_and_schemas(installed: Path, tmp_path: Path) -> None:
    script = "from netwright.files.resources import resource_dir as d; print(d('templates'), d('schema'), sep='\\n')"
    variables = environment()
    del variables["PYTHONPATH"]

    printed = subprocess.run(
        [installed / "bin/python", "-c", script],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert [Path(line).is_relative_to(installed.resolve()) for line in printed.splitlines()] == [True, True]
