"""Files that the real Ignition writes from a Flatcar node's config are the node's tree, byte for byte."""

import json
import os
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from netwright.files.artifact import NodeFile
from netwright.model import Family
from netwright.plan.types import NodePlan
from tests.judges.cases import REFERENCE, Case, case, cases_with
from tests.rigs.ignition import apply_ignition, validate_ignition
from tests.rigs.tree import read_tree

# What the users' snippets bring beside the files that netwright writes: path and mode.
CORE = {"/etc/motd.d/netwright.motd": 0o644}
SWAP = {"/usr/local/sbin/make-swap": 0o755, "/etc/systemd/system/make-swap.service": 0o644}
ALL_NODES = {"/etc/motd.d/10-node": 0o644}
SNIPPETS: dict[str, dict[str, int]] = {
    "snippets-butane/node1": CORE | SWAP,
    "snippets-butane/node2": CORE,
    **{f"snippets-templates/{node}": ALL_NODES for node in ("node1", "node2")},
    **{f"k3s-settings/{node}": {"/etc/rancher/k3s/config.yaml": 0o600} for node in ("m1", "m2")},
    **{
        f"{REFERENCE}/{node}": {"/etc/rancher/k3s/config.yaml": 0o600}
        for node in ("master1", "master2", "master3", "worker1", "worker2", "worker3", "worker4")
    },
}
SNIPPET_UNITS = {"snippets-butane/node1": ["make-swap.service"]}
PRESET = "/etc/systemd/system-preset/20-ignition.preset"


def read_config(case: Case, node: str) -> str:
    """The node's Ignition config, as far as it can be applied offline by Debian's Ignition.

    That one knows version 3.3.0 at most; 3.4.0 adds only sections that no output of ours uses. A file that is fetched
    from a URL is left out.
    """
    config: dict[str, Any] = json.loads((case.out / node / f"{node}.ign").read_text())
    config["ignition"]["version"] = "3.3.0"
    files = config.get("storage", {}).get("files", [])
    config["storage"]["files"] = [file for file in files if file["contents"].get("source", "data:").startswith("data:")]
    return json.dumps(config)


def preset(case: Case, plan: NodePlan) -> list[NodeFile]:
    """Ignition's own record of the units that are enabled."""
    units = ["netwright-nftables.service"] if plan.ruleset else []
    units += SNIPPET_UNITS.get(f"{case.name}/{plan.name}", [])
    lines = "".join(f"enable {unit}\n" for unit in sorted(units))
    return [NodeFile(path=PRESET, content=lines.encode())] if units else []


def in_order(written: NodeFile) -> NodeFile:
    """The same with sorted lines if it is Ignition's record, in which they stand in a different order each time."""
    if written.path != PRESET:
        return written
    return replace(written, content=b"".join(sorted(written.content.splitlines(keepends=True))))


@cases_with(Family.FLATCAR)
def test_ignition_finds_nothing_to_say(case: Case) -> None:
    said = {name: validate_ignition(read_config(case, name)) for name in case.plans(Family.FLATCAR)}

    assert said == dict.fromkeys(said, "")


@cases_with(Family.FLATCAR)
def test_ignition_writes_the_tree_and_nothing_else(case: Case, tmp_path: Path) -> None:
    for name, plan in case.plans(Family.FLATCAR).items():
        root = tmp_path / name
        root.mkdir()

        apply_ignition(read_config(case, name), root, ignore_unsupported=True)

        foreign = SNIPPETS.get(f"{case.name}/{name}", {})
        written = read_tree(str(root), "/")
        ours = sorted([*case.files(name), *preset(case, plan)], key=lambda file: file.path)
        assert [in_order(file) for file in written if file.path not in foreign] == ours
        assert {file.path: file.mode for file in written if file.path in foreign} == foreign


@cases_with(Family.FLATCAR)
def test_every_file_may_be_written_over(case: Case) -> None:
    for name in case.plans(Family.FLATCAR):
        config = json.loads((case.out / name / f"{name}.ign").read_text())
        kept = [file["path"] for file in config["storage"]["files"] if not file.get("overwrite")]

        assert kept == []


def test_a_fetched_image_is_verified_and_linked(tmp_path: Path) -> None:
    sysext = case("k3s-sysext")
    config = json.loads((sysext.out / "worker1" / "worker1.ign").read_text())

    apply_ignition(read_config(sysext, "worker1"), tmp_path, ignore_unsupported=True)

    (image,) = [file for file in config["storage"]["files"] if "verification" in file["contents"]]
    assert os.readlink(tmp_path / "etc/extensions/k3s.raw") == image["path"]
    assert image["contents"]["verification"]["hash"].startswith("sha256-")
