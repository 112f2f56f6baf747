"""Directories and texts that come with the code: schema/ and templates/, in a checkout or an installed package."""

from functools import cache
from pathlib import Path


class MissingResourceError(FileNotFoundError):
    """The installation is incomplete: a folder that belongs to the code is not there."""


@cache
def resource_dir(folder: str) -> Path:
    """The directory "schema" or "templates": beside the package in a checkout, inside it once installed."""
    package = Path(__file__).resolve().parent
    for parent in (package / "_data", package.parent):
        directory = parent / folder
        if directory.is_dir():
            return directory
    raise MissingResourceError(f"netwright is not completely installed: {folder}/ is missing beside {package}")


def resource(folder: str, name: str) -> Path:
    """The path of the file `name` in `folder`; `name` may hold slashes. It need not exist."""
    return resource_dir(folder) / name


@cache
def resource_text(folder: str, name: str) -> str:
    """The text of the file `name` in `folder`, its line ends as they are in the file."""
    return resource(folder, name).read_bytes().decode()
