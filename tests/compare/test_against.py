"""`netwright verify --against`: what a change of the files breaks, repairs or sends another way."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from netwright.compare.against import compare
from netwright.compare.change import Earlier
from netwright.compare.refinement import JointSymmetry
from netwright.production.production import prepare
from netwright.verify.proof.classes import AddressClass
from netwright.verify_input.reading import read_forms
from netwright.verify_input.wiring import state_flows
from tests.lab.running import replace_delivered
from tests.netwright import PROJECT, netwright
from tests.proving.small import TOPOLOGY as SMALL
from tests.proving.small import change, judge


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The reference network in a git repository of its own, in a folder below its top."""
    folder = tmp_path / "repository" / "cluster"
    folder.mkdir(parents=True)
    shutil.copy(PROJECT / "topology.yaml", folder)
    for name in ("snippets", "out"):
        shutil.copytree(PROJECT / name, folder / name)
    return folder


def commit(folder: Path) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "state"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def reroute(folder: Path) -> None:
    """Sends one pod network to a node that does not own it."""
    path = folder / "out/kvm/libvirt/kube02.xml"
    path.write_text(path.read_text().replace('gateway="10.17.4.25"', 'gateway="10.17.4.24"'))


def changes(folder: Path, against: str) -> list[tuple[str, str]]:
    run = netwright("verify", "--against", against, "--format", "json", cwd=folder)
    assert run.stderr == ""
    return [(change["kind"], change["flow"]) for change in json.loads(run.stdout)["changes"]]


def test_an_unchanged_output_changes_no_flow(project: Path) -> None:
    commit(project)

    assert changes(project, "HEAD") == []


def test_a_change_since_a_revision_breaks_a_flow(project: Path) -> None:
    commit(project)
    reroute(project)

    run = netwright("verify", "--against", "HEAD", cwd=project)

    assert changes(project, "HEAD") == [("breaks", "ingress-to-pods")]
    assert "breaks ingress-to-pods: icmp from 10.17.3.12 to 10.42.6.2-10.42.6.254 and 3 classes more" in run.stdout
    assert "before: ACCEPTED (lb1 -> kvm -> worker2, back worker2 -> kvm -> lb1)" in run.stdout
    assert "now: WRONG_NODE (lb1 -> kvm -> worker1 -> worker2" in run.stdout


def test_the_opposite_change_repairs_it(project: Path) -> None:
    shutil.copytree(project / "out", project / "before")
    reroute(project.parent / "cluster")
    shutil.move(project / "out", project / "broken")
    shutil.move(project / "before", project / "out")

    assert changes(project, "./broken") == [("repairs", "ingress-to-pods")]


def test_another_next_hop_reroutes_what_still_arrives(project: Path) -> None:
    shutil.copytree(project / "out", project / "before")
    for name in ("cloud-init/user-data", "rootfs/etc/NetworkManager/system-connections/eth0.nmconnection"):
        path = project / "out/api-lb" / name
        path.write_text(path.read_text().replace(",192.168.0.40,10", ",192.168.0.1,10"))

    found = changes(project, "./before")

    assert found
    assert {kind for kind, _ in found} == {"reroutes"}


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("nowhere", "is no git revision; name one, or a directory with a slash (nowhere/)"),
        ("nowhere/", "is no directory; name a directory with a slash (nowhere/), or a git revision (HEAD)"),
        ("--output=x", "is no git revision"),
        ("snippets/", "has no router, nor any other node; name a state of OUT"),
    ],
)
def test_what_is_no_state_of_the_output_is_said(project: Path, named: str, reason: str) -> None:
    commit(project)

    run = netwright("verify", f"--against={named}", cwd=project)

    assert run.status == 2
    assert run.stderr.startswith(f"{named}: error: ")
    assert reason in run.stderr


NODE = """\
  w3:
    groups: [workers]
    pod_cidr: 10.42.3.0/24
    interfaces: {eth0: {network: back, address: 10.2.0.23}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The small network, generated, in a git repository without a commit."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "topology.yaml").write_text(SMALL)
    regenerate(folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def regenerate(folder: Path, *edits: tuple[str, str]) -> None:
    topology = folder / "topology.yaml"
    topology.write_text(change(topology.read_text(), *edits))
    assert netwright("generate", "-q", cwd=folder).status == 0


def test_a_new_node_adds_to_flows_and_repairs_none(small: Path) -> None:
    commit(small)
    regenerate(small, ("flows:\n", f"{NODE}flows:\n"))

    run = netwright("verify", "--against", "HEAD", cwd=small)

    assert {kind for kind, _ in changes(small, "HEAD")} == {"adds to"}
    assert "Against HEAD, wired by topology.yaml of HEAD:\n" in run.stdout
    assert "before: was unassigned; now: ACCEPTED (lb -> host -> w3, back w3 -> host -> lb)" in run.stdout


def test_a_node_less_takes_from_flows_and_breaks_none(small: Path) -> None:
    regenerate(small, ("flows:\n", f"{NODE}flows:\n"))
    commit(small)
    regenerate(small, (NODE, ""))

    assert {kind for kind, _ in changes(small, "HEAD")} == {"takes from"}


def test_a_directory_without_a_topology_of_its_own_may_lack_a_node(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small / "out", tmp_path / "before")
    regenerate(small, ("flows:\n", f"{NODE}flows:\n"))

    run = netwright("verify", "--against", str(tmp_path / "before"), cwd=small)

    assert {kind for kind, _ in changes(small, str(tmp_path / "before"))} == {"adds to"}
    assert f"  {tmp_path}/before has no w3\n" in run.stdout


def test_a_directory_is_wired_by_the_topology_beside_it(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "other")
    regenerate(small, ("pod_cidr: 10.42.2.0/24", "pod_cidr: 10.42.9.0/24"))

    run = netwright("verify", "--against", str(tmp_path / "other/out"), "--format", "json", cwd=small)

    document = json.loads(run.stdout)
    assert {(one["kind"], one["flow"]) for one in document["changes"]} == {
        ("adds to", "to-pods"),
        ("takes from", "to-pods"),
    }
    assert document["against"] == {"state": str(tmp_path / "other/out"), "topology": f"{tmp_path}/other/topology.yaml"}


def test_what_is_not_committed_is_compared_too(small: Path) -> None:
    commit(small)
    (small / "out/host/libvirt/back.xml").unlink()

    assert ("breaks", "to-pods") in changes(small, "HEAD")


def test_bytes_of_a_revision_are_taken_as_they_are(small: Path) -> None:
    (small / ".gitattributes").write_text("out/host/** export-ignore\n*.nft text eol=crlf\n")
    commit(small)

    assert changes(small, "HEAD") == []


def test_addresses_that_either_state_tells_apart_are_followed_one_by_one(small: Path) -> None:
    drop = "    firewall: {forward: {policy: drop, rules: [{from: 10.1.0.12/32, to: 10.42.1.64/26, deny: any}]}}\n"
    regenerate(small, ("    firewall: {forward: {policy: drop}}\n", drop))
    commit(small)
    regenerate(small, ("10.42.1.64/26", "10.42.1.96/27"))

    (found,) = changes_in_full(small, "HEAD")

    assert (found["kind"], found["flow"]) == ("repairs", "to-pods")
    assert found["destination"] == "10.42.1.64/27"


def changes_in_full(folder: Path, against: str) -> list[dict[str, str]]:
    run = netwright("verify", "--against", against, "--format", "json", "--no-repair", cwd=folder)
    found: list[dict[str, str]] = json.loads(run.stdout)["changes"]
    return found


def test_a_revision_without_output_is_said(small: Path) -> None:
    (small / ".gitignore").write_text("out/\n")
    commit(small)

    run = netwright("verify", "--against", "HEAD", cwd=small)

    assert run.status == 2
    assert run.stderr == "HEAD: error: has no out; name a revision in which it is committed\n"


def test_a_link_in_a_revision_is_not_followed(small: Path) -> None:
    (small / "out/host/libvirt/back.xml").unlink()
    (small / "out/host/libvirt/back.xml").symlink_to("/etc/passwd")
    commit(small)

    run = netwright("verify", "--against", "HEAD", cwd=small)

    assert run.status == 2
    assert run.stderr.startswith("HEAD: error: has out/host/libvirt/back.xml, which is no plain file")


def test_a_shallow_clone_says_how_to_get_more(small: Path, tmp_path: Path) -> None:
    commit(small)
    (small / "note").write_text("second")
    commit(small)
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{small}", tmp_path / "clone"], check=True)

    run = netwright("verify", "--against", "HEAD~1", cwd=tmp_path / "clone")

    assert run.status == 2
    assert "this clone is shallow, fetch the revision (git fetch --unshallow origin)" in run.stderr


def test_a_revision_comes_before_a_directory_of_its_name(small: Path) -> None:
    commit(small)
    subprocess.run(["git", "branch", "base/main"], cwd=small, check=True)
    shutil.copytree(small / "out", small / "base/main")
    (small / "base/main/host/libvirt/back.xml").unlink()

    assert changes(small, "base/main") == []
    assert ("repairs", "to-pods") in changes(small, "./base/main")
    assert ("repairs", "to-pods") in changes(small, "base/main/")


def test_a_directory_without_a_slash_is_refused_with_both_spellings(small: Path) -> None:
    shutil.copytree(small / "out", small / "before")

    run = netwright("verify", "--against", "before", cwd=small)

    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == "before: error: is no git revision; write before/ for the directory\n"
    assert changes(small, "before/") == []


def test_a_bare_repository_in_the_change_is_not_obeyed(small: Path, tmp_path: Path) -> None:
    top, flag = tmp_path / "top", tmp_path / "flag"
    shutil.copytree(small, top / "net")
    shutil.rmtree(top / "net/.git")
    commit(top)
    bare = f"[core]\nbare = true\nsshCommand = touch {flag}; false\n[extensions]\npartialClone = origin\n"
    for name in ("objects/info", "objects/pack", "refs/heads"):
        (top / "net" / name).mkdir(parents=True)
    (top / "net/HEAD").write_text("1" * 40)
    (top / "net/config").write_text(f'{bare}[remote "origin"]\nurl = ssh://x/y\npromisor = true\n')

    assert changes(top / "net", "HEAD") == []
    assert not flag.exists()


def test_endlessly_deep_folders_of_a_revision_are_refused(small: Path) -> None:
    commit(small)
    tree = subprocess.run(["git", "write-tree"], cwd=small, check=True, capture_output=True, text=True).stdout.strip()
    for _ in range(1500):
        made = subprocess.run(
            ["git", "mktree"], input=f"040000 tree {tree}\tout\n", cwd=small, check=True, capture_output=True, text=True
        )
        tree = made.stdout.strip()
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    made = subprocess.run(
        ["git", *identity, "commit-tree", tree, "-m", "x"], cwd=small, check=True, capture_output=True, text=True
    )

    run = netwright("verify", "--against", made.stdout.strip(), cwd=small)

    assert run.status == 2
    assert "error: has more than 100 folders inside each other in out/out/out/out; name another state" in run.stderr


def test_a_project_without_git_is_said(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(SMALL)
    regenerate(tmp_path)

    run = netwright("verify", "--against", "HEAD", cwd=tmp_path)

    assert run.status == 2
    assert run.stderr.startswith(f"HEAD: error: is no git revision, as {tmp_path} is in no git repository; ")


def test_a_bare_repository_is_not_said_to_be_none(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", tmp_path], check=True)
    (tmp_path / "topology.yaml").write_text(SMALL)
    regenerate(tmp_path)

    run = netwright("verify", "--against", "HEAD", cwd=tmp_path)

    assert run.status == 2
    assert run.stderr.startswith(f"HEAD: error: is no git revision here: {tmp_path} is a bare git repository, ")


def test_every_holder_of_an_address_is_compared_with_itself(tmp_path: Path) -> None:
    topology = change(
        SMALL,
        ("  cni: {plugin", "  api: {vip: 10.2.0.10, port: 6443, holders: [w1, w2]}\n  cni: {plugin"),
        ("  closed:", "  api: {from: [lb], to: [kubernetes.api], allow: [tcp/6443]}\n  closed:"),
    )
    (tmp_path / "topology.yaml").write_text(topology)
    regenerate(tmp_path)
    shutil.copytree(tmp_path / "out", tmp_path / "before")
    for name in ("cloud-init/user-data", "rootfs/etc/nftables/netwright.nft"):
        path = tmp_path / "out/host" / name
        path.write_text(path.read_text().replace("tcp dport 6443 accept", "tcp dport 6443 drop"))

    assert changes(tmp_path, "before/") == [("breaks", "api")]


BACK_NET, RULES = "host/libvirt/back.xml", "host/rootfs/etc/nftables/netwright.nft"
SYSCTL = "host/rootfs/etc/sysctl.d/99-zz-netwright.conf"
DAMAGE = {
    "a route to another node": (BACK_NET, 'gateway="10.2.0.22"', 'gateway="10.2.0.21"'),
    "a route of another network": (BACK_NET, 'address="10.42.2.0"', 'address="10.42.200.0"'),
    "a rule for one node": (RULES, "policy drop;\n", "policy drop;\n\t\tip daddr 10.2.0.22 drop\n"),
    "a parameter of all": (SYSCTL, "ip_forward = 1", "ip_forward = 0"),
}


def asked(folder: Path, flow: str) -> list[tuple[str, str]]:
    """Return what is reported of packets that a flow of HEAD asked for and today's topology does not."""
    found = changes_in_full(folder, "HEAD")
    return [(one["traffic"], one["effect"]) for one in found if one["flow"] == flow and one["effect"] is not None]


LOST_FLOWS = {
    "removed": (
        "  ssh: {from: [lan], to: [front, back], allow: [tcp/22]}\n",
        "",
        "ssh",
        [("tcp/22", "closes"), ("tcp/22", "still arrives")],
    ),
    "less traffic": ("allow: [icmp, tcp/8080]", "allow: [icmp]", "to-pods", [("tcp/8080", "closes")]),
    "fewer ends": (
        "from: [lan], to: [front, back]",
        "from: [lan], to: [front]",
        "ssh",
        [("tcp/22", "closes"), ("tcp/22", "still arrives")],
    ),
    "renamed": ("  ssh:", "  shell:", "ssh", [("tcp/22", "by shell: still arrives")]),
    "turned to allow": (
        "closed: {from: [back], to: [lb], deny: [tcp/22]}",
        "closed: {from: [back], to: [lb], allow: [tcp/22]}",
        "closed",
        [("tcp/22", "was kept out, now arrives")],
    ),
    "turned to deny": (
        "ssh: {from: [lan], to: [front, back], allow: [tcp/22]}",
        "ssh: {from: [lan], to: [front, back], deny: [tcp/22]}",
        "ssh",
        [("tcp/22", "closes")],
    ),
    "a denied flow, from the router and through it": (
        "  closed: {from: [back], to: [lb], deny: [tcp/22]}\n",
        "",
        "closed",
        [("tcp/22", "was kept out, now arrives"), ("tcp/22", "is still blocked")],
    ),
}


@pytest.mark.parametrize(("before", "after", "flow", "said"), LOST_FLOWS.values(), ids=LOST_FLOWS)
def test_packets_that_are_no_longer_asked_for_stand_in_the_changes(
    small: Path, before: str, after: str, flow: str, said: list[tuple[str, str]]
) -> None:
    commit(small)
    regenerate(small, (before, after))

    assert asked(small, flow) == said


def test_a_flow_that_nothing_asks_for_any_more_is_told_on_one_line(small: Path) -> None:
    commit(small)
    regenerate(small, ("allow: [icmp, tcp/8080]", "allow: [icmp]"))

    run = netwright("verify", "--against", "HEAD", cwd=small)

    ends = "from lb to pods of w1 (10.1.0.12 to 10.42.1.2-10.42.1.254)"
    assert f"to-pods: no longer asked for: tcp/8080 {ends} and 1 class more: closes: before: ACCEPTED" in run.stdout


def test_a_comment_shows_the_warnings_that_the_change_touches(small: Path) -> None:
    idle = "    trust: [/opt/idle.sh]\n    pod_cidr"
    regenerate(small, ("    pod_cidr: 10.42.1.0/24", f"{idle}: 10.42.1.0/24"))
    commit(small)

    untouched = netwright("verify", "--against", "HEAD", "--format", "markdown", cwd=small).stdout
    regenerate(small, ("    pod_cidr: 10.42.2.0/24", f"{idle}: 10.42.2.0/24"))
    touched = netwright("verify", "--against", "HEAD", "--format", "markdown", cwd=small).stdout
    text = netwright("verify", "--against", "HEAD", cwd=small).stdout

    assert "IDLE_TRUST" not in untouched
    assert "\n2 warnings stand in both states; `netwright verify` shows them.\n" in untouched
    assert "IDLE_TRUST: 2 nodes (w1, w2)" in touched
    assert "\n1 warning stands in both states; `netwright verify` shows them.\n" in touched
    assert text.count("IDLE_TRUST") == 1


def test_a_new_flow_opens_and_repairs_nothing(small: Path) -> None:
    commit(small)
    regenerate(small, ("flows:\n", "flows:\n  web: {from: [lan], to: [lb], allow: [tcp/443]}\n"))

    assert changes(small, "HEAD") == [("opens", "web")]


def test_a_new_address_is_added_where_the_wiring_is_borrowed(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small / "out", tmp_path / "before")
    regenerate(small, ("address: 10.1.0.12}", "address: 10.1.0.13}"))

    found = changes_in_full(small, f"{tmp_path}/before")

    assert {(one["kind"], one["source"]) for one in found if one["flow"] == "to-pods"} == {("adds to", "10.1.0.13")}


KUBELETS = "  kubelets: {from: [workers], to: [workers], allow: [tcp/10250]}\n"


def worker(number: int) -> str:
    return NODE.replace("w3", f"w{number}").replace("42.3", f"42.{number}").replace("0.23", f"0.2{number}")


@pytest.mark.parametrize(("file", "before", "after"), DAMAGE.values(), ids=DAMAGE)
def test_one_conversation_stands_for_those_of_all_twins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, before: str, after: str
) -> None:
    nodes = "".join(map(worker, range(3, 8)))
    topology = change(SMALL, ("flows:\n", f"{nodes}flows:\n{KUBELETS}"))
    judge(tmp_path, topology)
    production, _ = prepare(str(tmp_path / "topology.yaml"))
    assert production is not None
    production.close()
    was, flows = read_forms(tmp_path / "out", production.resolved), state_flows(production.resolved)
    carriers = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and before in path.read_text()]
    assert tmp_path / "out" / file in carriers
    for path in carriers:
        path.write_text(path.read_text().replace(before, after))
    now = read_forms(tmp_path / "out", production.resolved)

    quick = compare(Earlier(forms=was, flows=flows), now, flows)

    class Strangers(JointSymmetry, frozen=True, kw_only=True):
        def likeness(self, one: AddressClass) -> None:  # noqa: ARG002
            return None

    monkeypatch.setattr("netwright.compare.refinement.JointSymmetry", Strangers)
    slow = compare(Earlier(forms=was, flows=flows), now, flows)
    assert quick
    assert [(one.kind, one.flow, one.classes) for one in quick] == [(one.kind, one.flow, one.classes) for one in slow]


def test_a_rule_that_leads_on_to_a_receiver_opens_what_is_denied(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "tests/golden/port-forwards-handoff/topology.yaml", tmp_path)
    assert netwright("generate", "-q", cwd=tmp_path).status == 0
    sheet = tmp_path / "out/router/handoff.md"
    strict = 'iifname != "lan0" ct state new ct status dnat accept; iifname != "lan0" ct state new drop'
    chain = f"    \tchain passing {{\n    \t\ttype filter hook forward priority filter; {strict}\n    \t}}\n"
    at = "    \tchain destination_nat {\n"
    sheet.write_text(sheet.read_text().replace(at, chain + at))
    replace_delivered(tmp_path / "out", "web", "tcp dport 22 drop", "tcp dport 23 drop")
    shutil.copytree(tmp_path / "out", tmp_path / "before")
    led = 'comment "web"\n'
    sheet.write_text(sheet.read_text().replace(led, f"{led}    \t\ttcp dport 2200 dnat ip to 192.168.0.31:22\n"))

    assert changes(tmp_path, "./before") == [("breaks", "no-shell")]
