"""Parsers of a node's files: bash, nft and the kernel, JSON, YAML, XML; other formats line by line."""

import base64
import json
import re
import subprocess
import urllib.parse
from functools import cache
from typing import Any
from xml.etree import ElementTree

import yaml

from netwright.files.artifact import NodeTree


def read_tree(tree: NodeTree) -> dict[str, Any]:
    """Everything that a node's files say, by path."""
    files = {file.path: (file.content, file.mode, file.owner) for file in tree.files}
    read: dict[str, Any] = {
        path: {"mode": mode, "owner": owner, "says": read_file(path, content.decode())}
        for path, (content, mode, owner) in files.items()
    }
    return read | {artifact.path: read_file(artifact.path, artifact.content.decode()) for artifact in tree.artifacts}


@cache
def read_file(path: str, text: str) -> Any:
    """Return the contents of one file, read as the program reads it that it is for; to be looked at only."""
    name = path.rsplit("/", 1)[-1]
    if name.endswith(".ign"):
        return _read_ignition(text)
    if name.startswith("ifcfg-"):
        return _read_shell(text)
    if name.endswith((".network", ".service", ".nmconnection")) or "network.d/" in path:
        return _read_sections(text, continues=not name.endswith(".nmconnection"))
    if name.endswith(".nft"):
        return _read_ruleset(text)
    if name.endswith(".xml"):
        return _read_xml(ElementTree.fromstring(text))
    if name == "hosts":
        return _read_hosts(text)
    if name.endswith((".bu", "netwright.cfg", "ip-masq-agent")) or path.startswith("cloud-init/"):
        return _read_contents(yaml.load(text, Loader=yaml.CSafeLoader))
    return text.splitlines()


def _read_hosts(text: str) -> Any:
    """Return the address and the comment of each line. Names follow from others, so they are looked at here."""
    read = []
    for line in text.splitlines():
        fields, _, comment = line.partition("#")
        address, *names = fields.split() or [""]
        assert all(_HOST_NAME.fullmatch(name) for name in names)
        read.append([address, bool(names), comment])
    return read


_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


def _read_ignition(text: str) -> Any:
    document = json.loads(text)
    for file in document.get("storage", {}).get("files", ()):
        source = file["contents"]["source"]
        header, _, encoded = source.partition(",")
        plain = base64.b64decode(encoded) if header.endswith(";base64") else urllib.parse.unquote_to_bytes(encoded)
        file["contents"]["source"] = read_file(file["path"], plain.decode())
    return document


def _read_contents(document: Any) -> Any:
    """The document, the contents of the files in it read as well."""
    if isinstance(document, dict):
        for file in document.get("write_files", ()):
            file["content"] = read_file(file["path"], file["content"])
    return document


@cache
def _read_shell(text: str) -> Any:
    """Every variable that a shell knows after sourcing the text, and everything that it said."""
    script = 'eval "$1"; set -o posix; set'
    command = ["env", "-i", "PATH=/nonexistent", "/bin/bash", "--norc", "--noprofile", "-c", script, "bash", text]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd="/")
    shells_own = (
        "BASH",
        "_=",
        "DIRSTACK",
        "PPID",
        "EUID",
        "UID",
        "GROUPS",
        "HOST",
        "MACH",
        "OSTYPE",
        "SHELL",
        "PWD",
        "OPT",
        "IFS",
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith(shells_own)]
    return {"variables": lines, "stderr": done.stderr, "exit": done.returncode}


def _read_sections(text: str, *, continues: bool) -> Any:
    """Sections of keys and values in their order; systemd's formats continue a line that ends in a backslash."""
    if continues:
        text = text.replace("\\\n", " ")
    read: list[Any] = []
    for line in text.splitlines():
        if line.startswith("["):
            assert line.endswith("]")
            read.append([line])
        elif line and not line.startswith(("#", ";")):
            key, equals, value = line.partition("=")
            assert equals, f"neither a section nor a value: {line}"
            read[-1].append((key.strip(), value.strip()))
    return read


@cache
def _read_ruleset(text: str) -> Any:
    """Return what the kernel holds once nft has loaded the text."""
    command = ["unshare", "--net", "sh", "-c", "nft -f - && nft -j list ruleset"]
    done = subprocess.run(command, input=text, capture_output=True, check=True, text=True)
    return [
        _without_handles(statement) for statement in json.loads(done.stdout)["nftables"] if "metainfo" not in statement
    ]


def _without_handles(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_handles(below) for key, below in value.items() if key != "handle"}
    return [_without_handles(below) for below in value] if isinstance(value, list) else value


def _read_xml(element: ElementTree.Element) -> Any:
    return [element.tag, dict(element.attrib), element.text or "", [_read_xml(below) for below in element]]
