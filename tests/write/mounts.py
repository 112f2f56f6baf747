"""Programs that try generate on file systems of their own; run in a mount namespace that ends with them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netwright.files.artifact import NodeFile, NodeTree
from netwright.write import compare, generate
from tests.write.trees import building, messages, node_tree, snapshot, write

NODES = ("lb1", "lb2")


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _changed(node: str) -> NodeTree:
    return node_tree(node, "two", extra=(NodeFile(path="/etc/large", content=b"x" * 20_000),))


def full_disk(home: Path) -> Any:
    """For each size of a file system: whether OUT is old, new or mixed, the messages, and what lies beside OUT."""
    tried = []
    for pages in range(12, 34):
        _mount("-t", "tmpfs", "-o", f"size={pages * 4}k", "none", str(home))
        write(home / "out", NODES)
        old = snapshot(home / "out")
        outcome = generate(home / "out", NODES, _changed, fingerprint="2")
        after = snapshot(home / "out")
        is_new = not compare(home / "out", NODES, _changed).differs
        state = "old" if after == old else "new" if is_new else "mixed"
        tried.append([state, messages(outcome.report), [path.name for path in home.iterdir()]])
        subprocess.run(["umount", str(home)], check=True)
    return tried


def mount_point(home: Path) -> Any:
    """Return generate's message for an OUT that is a mount point, and what it does in place."""
    out = home / "out"
    out.mkdir()
    _mount("-t", "tmpfs", "none", str(out))
    return _try_both(out)


def bind_mount(home: Path) -> Any:
    """The same for an OUT that is mounted over itself."""
    out = home / "out"
    out.mkdir()
    _mount("--bind", str(out), str(out))
    return _try_both(out)


def nested_mount(home: Path) -> Any:
    """The same for a directory of foreign files that is mounted inside OUT, and what became of them."""
    out = home / "out"
    write(out, NODES)
    (out / "notes").mkdir()
    _mount("-t", "tmpfs", "none", str(out / "notes"))
    (out / "notes/mine").write_text("mine\n")
    tried = _try_both(out)
    return [*tried[:4], [name for name in tried[4] if name != "notes" or (out / "notes/mine").exists()]]


def overlay(home: Path) -> Any:
    """The same for an OUT in the lower layer of an overlay."""
    _mount("-t", "tmpfs", "none", str(home))
    for name in ("lower", "upper", "work", "merged"):
        (home / name).mkdir()
    write(home / "lower/out", NODES)
    _mount(
        "-t",
        "overlay",
        "-o",
        f"lowerdir={home}/lower,upperdir={home}/upper,workdir={home}/work,redirect_dir=off",
        "overlay",
        str(home / "merged"),
    )
    return _try_both(home / "merged/out")


def _try_both(out: Path) -> Any:
    before = snapshot(out)
    texts = {"lb1": "two", "lb2": "two"}
    refused = generate(out, NODES, building(texts), fingerprint="2")
    untouched = snapshot(out) == before and [path.name for path in out.parent.iterdir()] == ["out"]
    done = generate(out, NODES, building(texts), fingerprint="2", in_place=True)
    is_new = not compare(out, NODES, building(texts)).differs
    return [messages(refused.report), untouched, messages(done.report), is_new, sorted(p.name for p in out.iterdir())]


def read_only(home: Path) -> Any:
    """Return generate's messages where nothing can be written: with and without changes."""
    _mount("-t", "tmpfs", "none", str(home))
    write(home / "out", NODES)
    _mount("-o", "remount,ro", str(home))
    same = generate(home / "out", NODES, building(), fingerprint="2")
    changed = generate(home / "out", NODES, building({"lb1": "two", "lb2": "two"}), fingerprint="3")
    missing = generate(home / "a/out", NODES, building(), fingerprint="3")
    return [messages(same.report), messages(changed.report), messages(missing.report)]


PROGRAMS: dict[str, Callable[[Path], Any]] = {
    program.__name__: program for program in (full_disk, mount_point, bind_mount, nested_mount, overlay, read_only)
}

if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](Path(sys.argv[2]))))
