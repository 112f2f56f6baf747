"""Directories and texts that come with the code: schema/ and templates/, in a checkout or an installed package."""

import contextlib
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from netwright.files.cache import cache_directory


class MissingResourceError(FileNotFoundError):
    """The installation is incomplete: a folder that belongs to the code is not there."""


@cache
def resource_dir(folder: str) -> Path:
    """The directory "schema" or "templates": next to gen/ in a checkout, inside it once installed."""
    package = Path(__file__).resolve().parents[1]
    for parent in (package / "_data", package.parents[1]):
        directory = parent / folder
        if directory.is_dir():
            return directory
    raise MissingResourceError(f"netwright is not completely installed: {folder}/ is missing next to {package}")


def resource(folder: str, name: str) -> Path:
    """The path of the file `name` in `folder`; `name` may hold slashes. It need not exist."""
    return resource_dir(folder) / name


def read_schema_file(name: str) -> dict[str, Any]:
    """The schema in the file `name` of schema/: a new one at every call.

    Reading YAML takes 5 ms, a twentieth of a run of a few nodes, and JSON next to nothing: the schema is kept as JSON
    in the user's cache directory, under the digest of its text.
    """
    text = resource_text("schema", name)
    directory = cache_directory()
    kept = os.path.join(directory, f"schema-{hashlib.sha256(text.encode()).hexdigest()}.json") if directory else None
    if kept is not None:
        with contextlib.suppress(OSError, ValueError), open(kept, encoding="utf-8") as file:
            schema = json.load(file)
            if isinstance(schema, dict):
                return schema
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    schema = cast("dict[str, Any]", yaml.load(text, Loader=loader))  # noqa: S506 - both are safe
    if kept is not None:
        _keep(kept, json.dumps(schema))
    return schema


def _keep(path: str, text: str) -> None:
    """Write a file of the cache at once; where nothing can be written, the next run does the work again."""
    new = f"{path}.{os.getpid()}"
    with contextlib.suppress(OSError):
        try:
            with open(new, "x", encoding="utf-8") as file:
                file.write(text)
            os.replace(new, path)
        except OSError:
            os.unlink(new)


@cache
def resource_text(folder: str, name: str) -> str:
    """The text of the file `name` in `folder`, its line ends as they are in the file."""
    return resource(folder, name).read_bytes().decode()
