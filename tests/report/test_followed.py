"""The picture of `report --against` draws the way that a flow took before, where no packet takes it any more."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.lab.running import replace_delivered
from tests.netwright import netwright

TOPOLOGY = """\
version: 1
name: two-routers
networks:
  a: {cidr: 10.1.0.0/24}
  b: {cidr: 10.2.0.0/24}
groups:
  rocky: {os: rocky10, firewalld: masked}
nodes:
  app: {groups: [rocky], interfaces: {eth0: {network: a, address: 10.1.0.11}}}
  db: {os: flatcar, interfaces: {eth0: {network: b, address: 10.2.0.11}}}
  r1:
    groups: [rocky]
    forward: true
    interfaces: {eth0: {network: a, address: 10.1.0.1}, eth1: {network: b, address: 10.2.0.1}}
  r2:
    groups: [rocky]
    forward: true
    firewall: {forward: {policy: drop}}
    interfaces: {eth0: {network: a, address: 10.1.0.2}, eth1: {network: b, address: 10.2.0.2}}
flows:
  questions: {from: [app], to: [db], allow: [tcp/5432], via: [r1]}
"""
ROUTE = "app/rootfs/etc/NetworkManager/system-connections/eth0.nmconnection"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the network, and another with it as it was, topology and OUT."""
    for place in (tmp_path, tmp_path / "was"):
        place.mkdir(exist_ok=True)
        (place / "topology.yaml").write_text(TOPOLOGY)
        assert netwright("generate", "-q", cwd=place).status == 0
    return tmp_path


def drawn(folder: Path) -> tuple[set[str], set[str]]:
    """The boxes that the flow passes by now, and those that it passed by before."""
    page = netwright("report", "--no-repair", "--against", "was/out/", cwd=folder).stdout
    found = re.search(r"<svg .*?</svg>", page, re.DOTALL)
    assert found is not None
    picture = ElementTree.fromstring(found[0])
    space = "{http://www.w3.org/2000/svg}"
    names = {(one.get("x"), one.get("y")): one for one in picture.iter(f"{space}rect") if one.get("class") == "node"}
    texts = [(float(one.get("x", 0)), float(one.get("y", 0)), one.text or "") for one in picture.iter(f"{space}text")]
    titles = {(x, y): _title(rect, texts) for (x, y), rect in names.items()}
    (group,) = [one for one in picture.iter() if one.get("id") == "way-1"]
    paths = {one.get("class"): one.get("d", "") for one in group}
    return _boxes(paths["on"], titles), _boxes(paths.get("former", ""), titles)


def _title(rect: ElementTree.Element, texts: list[tuple[float, float, str]]) -> str:
    left, top, width = (float(rect.get(key, 0)) for key in ("x", "y", "width"))
    return next(text for x, y, text in texts if left < x < left + width and top < y < top + 30)


def _boxes(path: str, titles: dict[tuple[str | None, str | None], str]) -> set[str]:
    """The boxes around which there is a line, which begins behind the round corner at the upper left."""
    return {titles[str(int(x) - 6), y] for x, y in re.findall(r"M (\d+) (\d+) h", path)}


def test_what_goes_as_before_has_no_way_of_before(folder: Path) -> None:
    assert drawn(folder) == ({"app", "r1", "db"}, set())


def test_another_way_is_drawn_with_the_one_before(folder: Path) -> None:
    (folder / "topology.yaml").write_text(TOPOLOGY.replace("via: [r1]", "via: [r2]"))
    assert netwright("generate", "-q", cwd=folder).status == 0

    assert drawn(folder) == ({"app", "r2", "db"}, {"r1"})


def test_what_ends_elsewhere_by_the_files_is_drawn_to_where_it_ends(folder: Path) -> None:
    replace_delivered(folder / "out", "app", "10.2.0.0/24,10.1.0.1", "10.2.0.0/24,10.1.0.2")

    assert drawn(folder) == ({"app", "r2"}, {"r1", "db"})


def test_a_way_that_others_still_take_is_none_of_before(folder: Path) -> None:
    second = "  app2: {groups: [rocky], interfaces: {eth0: {network: a, address: 10.1.0.12}}}\n  db:"
    for place in (folder, folder / "was"):
        text = TOPOLOGY.replace("  db:", second, 1).replace("from: [app]", "from: [app, app2]")
        (place / "topology.yaml").write_text(text)
        assert netwright("generate", "-q", cwd=place).status == 0
    replace_delivered(folder / "out", "app", "10.2.0.0/24,10.1.0.1", "10.2.0.0/24,10.1.0.2")

    assert drawn(folder) == ({"app", "app2", "r1", "r2", "db"}, set())


def test_a_way_that_is_not_known_is_no_other_way(folder: Path) -> None:
    file = folder / "out" / ROUTE
    file.write_text(file.read_text().replace("10.2.0.0/24,10.1.0.1", "10.2.0.0/24,10.1.0.2"))

    assert drawn(folder) == ({"app", "r1", "db"}, set())


def test_links_that_are_no_more_are_not_drawn(folder: Path) -> None:
    moved = TOPOLOGY.replace("via: [r1]", "via: [r2]").replace(
        "network: a, address: 10.1.0.1}", "network: a, address: 10.1.0.3}"
    )
    moved = moved.replace("eth1: {network: b, address: 10.2.0.1}", "eth1: {network: c, address: 10.3.0.1}")
    (folder / "topology.yaml").write_text(moved.replace("groups:\n", "  c: {cidr: 10.3.0.0/24}\ngroups:\n", 1))
    assert netwright("generate", "-q", cwd=folder).status == 0

    now, before = drawn(folder)

    assert (now, before) == ({"app", "r2", "db"}, {"r1"})
