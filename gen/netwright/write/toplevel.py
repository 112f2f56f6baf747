"""Entries directly below OUT: folders of nodes, wanted or not any more, and what netwright did not write."""

import os
from collections.abc import Collection

from netwright.text.natural import natural_key
from netwright.write.manifest import MANIFEST
from netwright.write.objections import Objection, symlink, too_deep
from netwright.write.survey import is_there, survey
from netwright.write.verdict import NodeChanges

IN_PLACE_STAGING = ".netwright-staging"
"""The staging directory of a run with --in-place, inside OUT because nothing can be renamed into it from outside."""


def survey_top_level(path: str, nodes: Collection[str]) -> tuple[tuple[str, ...], NodeChanges]:
    """The nodes in OUT that are not wanted any more, and a verdict (of node "") on what else lies there.

    Raises OSError.
    """
    wanted = frozenset(nodes)
    unwanted: list[str] = []
    foreign: list[str] = []
    folders: list[str] = []
    objections: list[Objection] = []
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name in wanted or name == IN_PLACE_STAGING:
                continue
            if entry.is_symlink():
                objections.append(symlink(name))
            elif not entry.is_dir(follow_symlinks=False):
                foreign.append(name)
            elif is_there(f"{path}/{name}/{MANIFEST}"):
                unwanted.append(name)
            else:
                found = survey(f"{path}/{name}")
                folders += [name, *(f"{name}/{folder}" for folder in found.folders)]
                foreign += [f"{name}/{file}" for file in (*found.files, *found.others)]
                objections += [symlink(f"{name}/{link}") for link in found.symlinks]
                objections += dict.fromkeys(too_deep(f"{name}/{folder}") for folder in found.too_deep)
    verdict = NodeChanges(
        node="",
        paths=(),
        foreign=tuple(sorted(foreign)),
        foreign_folders=tuple(sorted(folders)),
        objections=tuple(sorted(objections)),
    )
    return tuple(sorted(unwanted, key=natural_key)), verdict
