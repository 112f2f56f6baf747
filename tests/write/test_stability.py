"""Random topologies: OUT depends on their meaning alone, and changes no more than that does."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from netwright.production.production import Production
from netwright.write import Changes, generate
from netwright.write.layout import Wanted
from tests.produced import lay_out_nodes, prepare_text
from tests.topologies import STYLES, Document, Style, shuffled, topologies, write_flow

random_topologies = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one topology after the other."""
    return tmp_path_factory.mktemp("stability")


def prepare_valid(document: Document, folder: Path, style: Style = write_flow) -> Production:
    """The production of a topology; an example whose topology has errors is dropped."""
    production = prepare_text(style(document), folder)
    assume(production is not None)
    assert production is not None
    return production


def produce(document: Document, folder: Path, style: Style = write_flow) -> dict[str, Wanted]:
    """Every file that a topology becomes, by path below OUT."""
    return lay_out_nodes(prepare_valid(document, folder, style))


def write(document: Document, folder: Path, fingerprint: str) -> Changes:
    """Write a topology into OUT, and return what was done; another fingerprint makes it judge every file again."""
    production = prepare_valid(document, folder)
    outcome = generate(folder / "out", production.nodes, production.build, fingerprint=fingerprint)
    assert outcome.report.errors == 0
    return outcome


@random_topologies
@given(document=topologies(), data=st.data())
def test_order_of_keys_means_nothing(folder: Path, document: Document, data: st.DataObject) -> None:
    other = data.draw(shuffled(document))

    assert produce(other, folder) == produce(document, folder)


@random_topologies
@given(document=topologies())
def test_style_and_comments_mean_nothing(folder: Path, document: Document) -> None:
    expected = produce(document, folder)

    for name, style in STYLES.items():
        assert produce(document, folder, style) == expected, name


@random_topologies
@given(document=topologies())
def test_second_run_writes_nothing(folder: Path, document: Document) -> None:
    shutil.rmtree(folder / "out", ignore_errors=True)
    first = write(document, folder, "first")
    stamps = read_stamps(folder / "out")

    again = write(document, folder, "again")

    assert first.added
    assert (again.added, again.changed, again.pruned) == ((), (), ())
    assert read_stamps(folder / "out") == stamps


def read_stamps(root: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every path below a directory."""
    stats = {str(path): path.lstat() for path in root.rglob("*")}
    return {path: (status.st_ino, status.st_mtime_ns) for path, status in stats.items()}


@random_topologies
@given(document=topologies(fewest_nodes=1))
def test_node_changes_only_files_that_mention_it(folder: Path, document: Document) -> None:
    *_, newcomer = document["nodes"]
    without = produce(leave_out(document, newcomer), folder)
    with_it = produce(document, folder)
    marks = marks_of(newcomer, document)

    own = {path for path in with_it if path.startswith(f"{newcomer}/")}
    others = {path for path in with_it.keys() | without.keys() if with_it.get(path) != without.get(path)} - own
    sources = {path for path in others if not is_derived(path)}

    assert own
    for path in sources:
        assert any(mark in with_it[path].content for mark in marks), path
    assert {path.split("/")[0] for path in others} == {path.split("/")[0] for path in sources}


@random_topologies
@given(document=topologies(fewest_nodes=1))
def test_removed_node_takes_exactly_its_own_files_away(folder: Path, document: Document) -> None:
    shutil.rmtree(folder / "out", ignore_errors=True)
    *_, newcomer = document["nodes"]
    before = write(leave_out(document, newcomer), folder, "without")
    listing = read_stamps(folder / "out").keys()

    arrival = write(document, folder, "with")
    departure = write(leave_out(document, newcomer), folder, "without again")

    assert before.files == departure.files
    assert {path for path in arrival.added if path.startswith(f"{newcomer}/")} <= {*departure.pruned}
    assert {*departure.pruned} == {*arrival.added}
    assert {*departure.changed} == {*arrival.changed}
    assert read_stamps(folder / "out").keys() == listing


def leave_out(document: Document, node: str) -> Document:
    """The document without one of its nodes."""
    return document | {"nodes": {name: value for name, value in document["nodes"].items() if name != node}}


def marks_of(name: str, document: Document) -> tuple[bytes, ...]:
    """Return what a file contains that changes with a node: its name, an address, its pod network, or a network of its
    own, which others need a route to once a member is there."""
    node = document["nodes"][name]
    addresses = [interface["address"] for interface in node["interfaces"].values()]
    networks = [document["networks"][interface["network"]]["cidr"] for interface in node["interfaces"].values()]
    pod_networks = [node["pod_cidr"]] if "pod_cidr" in node else []
    return tuple(text.encode() for text in (name, *addresses, *networks, *pod_networks))


def is_derived(path: str) -> bool:
    """Return whether a file only carries others of its node: manifest, Ignition, cloud-init."""
    return path.endswith((".ign", ".bu", "/manifest.json", "/cloud-init/user-data"))
