"""The commit of which a machine has the files, where that is not today's OUT: what it was provisioned from."""

import os
from collections.abc import Mapping
from pathlib import Path

from netwright.files.git import find_repository
from netwright.files.git_process import GitError
from netwright.live.wanted import WantedFile, read_manifest_files
from netwright.verify.values.live import LiveFile

_MOST_COMMITS = 50
"""Commits that changed a node's files and are looked at."""
_SHORT = 10


def describe_past(out: Path, node: str, found: Mapping[str, LiveFile]) -> str | None:
    """Return in words the newest commit whose files the machine has, None if none of the last ones is it."""
    manifest = os.path.realpath(f"{out}/{node}/manifest.json")
    try:
        repository = find_repository(os.path.dirname(manifest))
        if repository is None:
            return None
        for commit, day in repository.commits_of(manifest, _MOST_COMMITS):
            files = dict(read_manifest_files(repository.read(commit, manifest)))
            if files and all(_is(path, file, found) for path, file in files.items()):
                return f"its files are those of commit {commit[:_SHORT]} ({day})"
    except GitError:
        return None
    return None


def _is(path: str, file: WantedFile, found: Mapping[str, LiveFile]) -> bool:
    return path in found and found[path].digest in (file.digest, None)
