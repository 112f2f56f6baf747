"""A change of one line changes only the files whose meaning changes, and all is in natural order."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from netwright.write.layout import Wanted
from tests.produced import lay_out_nodes, prepare_text

LAB = """\
version: 1
name: lab
networks:
  front: {cidr: 10.1.0.0/24, router: gw}
  back: {cidr: 10.2.0.0/24, router: gw}
groups:
  web: {os: rocky10}
nodes:
  gw:
    os: flatcar
    forward: true
    firewall: {forward: {policy: drop, rules: [{from: web, to: back, allow: [tcp/80]}]}}
    interfaces:
      lan0: {network: front, address: 10.1.0.1}
      lan1: {network: back, address: 10.2.0.1}
  db:
    os: flatcar
    interfaces: {eth0: {network: back, address: 10.2.0.10}}
  web10:
    groups: [web]
    forward: true
    interfaces: {eth0: {network: front, address: 10.1.0.10}}
  web2:
    groups: [web]
    routes: [{to: 10.9.0.0/16, via: web10}, {to: 10.10.0.0/16, via: web10}]
    interfaces: {eth0: {network: front, address: 10.1.0.2}}
"""

KEYFILE = "rootfs/etc/NetworkManager/system-connections/eth0.nmconnection"
SEED = "cloud-init/user-data"
CHANGES: Mapping[str, tuple[str, str, set[str]]] = {
    "a comment": ("name: lab", "name: lab  # ours", set()),
    "what was the default": ("forward: {policy", "forward: {stateful: true, policy", set()),
    "the address of a next hop in a rule": (
        "address: 10.1.0.10",
        "address: 10.1.0.11",
        {
            *("gw/gw.ign", "gw/rootfs/etc/nftables/netwright.nft"),
            *(f"web2/{KEYFILE}", f"web2/{SEED}", f"web10/{KEYFILE}", f"web10/{SEED}"),
        },
    ),
    "a note beside a rule": (
        "allow: [tcp/80]",
        "allow: [tcp/80], comment: the shop",
        {"gw/gw.ign", "gw/rootfs/etc/nftables/netwright.nft"},
    ),
    "a host name": (
        "    os: flatcar\n    interfaces",
        "    hostname: base\n    os: flatcar\n    interfaces",
        {"db/db.ign", "db/rootfs/etc/hostname"},
    ),
    "a parameter of a group": (
        "web: {os: rocky10}",
        "web: {os: rocky10, sysctl: {vm.swappiness: 1}}",
        {f"{node}/{path}" for node in ("web2", "web10") for path in (SEED, "rootfs/etc/sysctl.d/99-zz-netwright.conf")},
    ),
    "the metric of a route": (
        "{to: 10.9.0.0/16, via: web10}",
        "{to: 10.9.0.0/16, via: web10, metric: 5}",
        {f"web2/{KEYFILE}", f"web2/{SEED}"},
    ),
    "the order of routes": (
        "{to: 10.9.0.0/16, via: web10}, {to: 10.10.0.0/16, via: web10}",
        "{to: 10.10.0.0/16, via: web10}, {to: 10.9.0.0/16, via: web10}",
        set(),
    ),
}


def produce(text: str, folder: Path) -> dict[str, Wanted]:
    """Every file that a topology becomes, by path below OUT."""
    production = prepare_text(text, folder)
    assert production is not None
    return lay_out_nodes(production)


@pytest.mark.parametrize(("before", "after", "changed"), CHANGES.values(), ids=CHANGES)
def test_change_of_one_line_changes_the_files_whose_meaning_changes(
    tmp_path: Path, before: str, after: str, changed: set[str]
) -> None:
    assert LAB.count(before) == 1
    old, new = produce(LAB, tmp_path), produce(LAB.replace(before, after), tmp_path)

    paths = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}

    manifests = {f"{path.split('/')[0]}/manifest.json" for path in changed if "/rootfs/" in path}
    assert paths == changed | manifests


def test_everything_is_in_natural_order(tmp_path: Path) -> None:
    production = prepare_text(LAB, tmp_path)
    assert production is not None
    files = lay_out_nodes(production)
    keyfile = files[f"web2/{KEYFILE}"].content.decode()

    assert production.nodes == ("db", "gw", "web2", "web10")
    assert keyfile.index("10.9.0.0/16") < keyfile.index("10.10.0.0/16")
    assert b"10.1.0.2, 10.1.0.10" in files["gw/rootfs/etc/nftables/netwright.nft"].content
