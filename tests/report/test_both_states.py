"""`netwright report --against`: the ways of a flow before and now, side by side, with what differs marked."""

import re
from html import unescape
from pathlib import Path

import pytest

from tests.netwright import netwright
from tests.report.network import TOPOLOGY

NFT = "kvm/rootfs/etc/nftables/netwright.nft"
PLAIN = re.compile(r"<[^>]+>")


def differing(page: str) -> list[str]:
    """The decisions that are marked, with their lines."""
    steps = re.findall(r'<div class="step differs">(.*?)</div>', page, re.DOTALL)
    return [" ".join(unescape(PLAIN.sub(" ", step)).split()) for step in steps]


def flow(page: str, name: str) -> str:
    """The text about a flow."""
    return " ".join(unescape(PLAIN.sub(" ", flow_article(page, name))).split())


def flow_article(page: str, name: str) -> str:
    """What is about a flow."""
    found = re.search(rf'<article class="flow [^>]*>\n<h3[^>]*>{name}</h3>.*?</article>', page, re.DOTALL)
    assert found is not None
    return found[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a network, and a copy of its OUT."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    for out in ("out", "before"):
        assert netwright("generate", "-q", "-o", out, cwd=tmp_path).status == 0
    return tmp_path


def page_against_before(folder: Path) -> str:
    run = netwright("report", "--against", "before/", cwd=folder)
    assert run.stderr == ""
    return run.stdout


def test_without_a_change_each_flow_is_as_it_was(folder: Path) -> None:
    page = page_against_before(folder)

    assert differing(page) == []
    assert page.count("As in <code>before/</code>: the same machines, the same lines.") == 3


def test_a_broken_flow_stands_hop_by_hop_before_and_now(lab: Path) -> None:
    page = (lab / "page.html").read_text()
    text = flow(page, "lb-to-db")

    assert "Before arrives, and is answered There lb1" in text
    assert "Now FILTERED at kvm: dropped by the policy of chain inet netwright forward There lb1 sends tcp SYN" in text
    now = [step for step in differing(page) if step.startswith("only now")]
    assert now == [f"only now dropped by the policy of chain inet netwright forward {NFT}:5 chain forward {{"]
    assert "only before takes it: tcp ACK 10.17.3.12:40000 -> 10.17.4.24:5432" in differing(page)
    assert flow(page, "pc-to-lb").count("Before") == 0


def generate(folder: Path, topology: str) -> None:
    (folder / "topology.yaml").write_text(topology)
    assert netwright("generate", "-q", cwd=folder).status == 0


def test_another_line_on_the_same_way_is_marked_and_no_other(folder: Path) -> None:
    eth0 = "interfaces: {eth0: {network: front, address: 10.17.3.12}}"
    generate(folder, TOPOLOGY.replace(eth0, f"{eth0}, routes: [{{to: back, via: kvm, metric: 50}}]"))

    page = page_against_before(folder)

    assert [step[-33:] for step in differing(flow_article(page, "lb-to-db"))] == [
        "route1=10.17.4.0/24,10.17.3.1,100",
        " route1=10.17.4.0/24,10.17.3.1,50",
    ]
    assert "another way or line" in page


def test_a_line_that_only_moved_is_no_difference(folder: Path) -> None:
    generate(folder, TOPOLOGY.replace("flows:\n", "flows:\n  first: {from: [pc], to: [db1], allow: [tcp/9]}\n"))

    page = page_against_before(folder)

    assert "As in" in flow(page, "lb-to-db")


def test_a_flow_that_is_gone_stands_with_its_change(folder: Path) -> None:
    assert netwright("validate", cwd=folder).status == 0
    kept = folder / "topology.yaml"
    (folder / "past").mkdir()
    (folder / "before").rename(folder / "past/out")
    (folder / "past/topology.yaml").write_text(kept.read_text())
    kept.write_text(re.sub(r"  pc-to-lb: .*\n", "", TOPOLOGY))
    assert netwright("generate", "-q", cwd=folder).status == 0

    page = netwright("report", "--against", "past/out/", cwd=folder).stdout

    change = page[page.index('<section id="changes"') : page.index('<section id="flows"')]
    assert "no longer asked for" in change
    assert "Hop by hop, before and now" in change
    assert any(step.startswith("only now dropped by the policy") for step in differing(change))


def test_two_hundred_flows_that_all_change_stay_below_a_megabyte(tmp_path: Path) -> None:
    flows = (f"  f{port}: {{from: [lb1], to: [db1], allow: [icmp, tcp/{port}]}}\n" for port in range(1000, 1200))
    topology = TOPOLOGY[: TOPOLOGY.index("  lb-to-db")] + "".join(flows)
    for out, protocol in (("before", "udp"), ("out", "tcp")):
        (tmp_path / "topology.yaml").write_text(topology.replace("tcp/", f"{protocol}/"))
        assert netwright("generate", "-q", "-o", out, cwd=tmp_path).status == 0

    page = page_against_before(tmp_path)

    assert page.count('class="walk both"') >= 200
    assert len(page.encode()) < 1_000_000
