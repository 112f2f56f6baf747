"""The first boot and later ones as two states: what holds in one only is not proved, and the cause says in which."""

from pathlib import Path

import pytest

from netwright.verify import Finding, Verification
from tests.proving.small import TOPOLOGY, change, judge

LB = "    interfaces: {eth0: {network: front, address: 10.1.0.12}}\n"
HOST = "    forward: true\n    firewall:"
RC_LOCAL = '{path: /etc/rc.d/rc.local, permissions: "0755", content: "#!/bin/sh\\n%s\\n"}'
UNIT = (
    "{path: /etc/systemd/system/r.service, content: "
    '"[Unit]\\nWants=network-online.target\\nAfter=network-online.target\\n'
    '[Service]\\nType=oneshot\\nExecStart=/usr/sbin/%s\\n%s"}'
)
INSTALL = "[Install]\\nWantedBy=multi-user.target\\n"
FIRST, LATER = "(on the first boot)", "(from the second boot on)"
OPENED = "nft insert rule inet netwright forward accept"
CLOSED = "nft insert rule inet netwright forward drop"


def _judge(folder: Path, node: str, snippet: str, *changes: tuple[str, str]) -> Verification:
    (folder / "own.yaml").write_text(f"#cloud-config\n{snippet}\n", encoding="utf-8")
    at = LB if node == "lb" else HOST
    return judge(folder, change(TOPOLOGY, (at, f"    cloud_init: [own.yaml]\n{at}"), *changes)).verification


def _errors(verification: Verification) -> list[Finding]:
    return [one for one in verification.findings if one.severity == "error"]


def _refuted(verification: Verification) -> list[str]:
    return [result.flow.name for result in verification.flows if not result.proved]


@pytest.mark.parametrize(
    ("node", "snippet"),
    [
        pytest.param("lb", "runcmd: [ip route add 10.9.0.0/16 via 10.1.0.1]", id="route"),
        pytest.param("lb", "runcmd: [[ip, route, add, 10.42.1.0/24, via, 10.1.0.1]]", id="route by another metric"),
        pytest.param("lb", "runcmd: [sysctl -w net.ipv4.conf.eth0.accept_redirects=0]", id="parameter"),
        pytest.param("host", "runcmd: [nft add rule inet netwright forward tcp dport 1 accept]", id="rule"),
        pytest.param("host", f"write_files: [{RC_LOCAL % 'sysctl -w net.ipv4.ip_forward=1'}]", id="rc.local"),
        pytest.param(
            "lb", f"write_files: [{UNIT % ('ip route add 10.9.0.0/16 via 10.1.0.1', INSTALL)}]\n"
            "runcmd: [systemctl enable --now r.service]", id="unit",
        ),
    ],
)  # fmt: skip
def test_a_command_that_is_known_proves_what_holds_in_both_states(tmp_path: Path, node: str, snippet: str) -> None:
    verification = _judge(tmp_path, node, snippet)

    assert verification.proved, verification.findings


LOST = "ip route add 10.42.1.0/24 via 10.1.0.99"
FAILING = {
    "a-route": ("lb", f"runcmd: [{LOST}]", "ARP_UNANSWERED", FIRST, "user-data:41"),
    "a-rule": ("host", f"runcmd: [{CLOSED}]", "FILTERED", FIRST, "user-data:100"),
    "a-rule-of-rc.local": ("host", f"write_files: [{RC_LOCAL % CLOSED}]", "FILTERED", LATER, "rc.local:2"),
    "a-parameter": (
        "host", "runcmd:\n- echo one\n- |\n  echo two\n  sysctl -w net.ipv4.ip_forward=0", "FORWARDING_OFF", FIRST,
        "user-data:103",
    ),
    "a-unit-without-Install": (
        "lb", f"write_files: [{UNIT % (LOST, '')}]\nruncmd: [systemctl enable --now r.service]", "ARP_UNANSWERED",
        FIRST, "r.service:6",
    ),
    "a-unit-that-starts-with-the-next-boot": (
        "lb", f"write_files: [{UNIT % (LOST, INSTALL)}]\nruncmd: [systemctl enable r.service]", "ARP_UNANSWERED", LATER,
        "r.service:6",
    ),
    "a-unit-on-every-boot": (
        "lb", f"write_files: [{UNIT % (LOST, INSTALL)}]\nruncmd: [systemctl enable --now r.service]", "ARP_UNANSWERED",
        "", "r.service:6",
    ),
    "a-rule-of-a-unit": (
        "host", f"write_files: [{UNIT % (CLOSED, INSTALL)}]\nruncmd: [systemctl enable --now r.service]", "FILTERED",
        "", "r.service:6",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_what_fails_on_one_boot_says_on_which(tmp_path: Path, case: str) -> None:
    node, snippet, kind, boot, line = FAILING[case]

    verification = _judge(tmp_path, node, snippet)

    found = _errors(verification)
    assert {one.kind for one in found} == {kind}
    assert all(one.cause.endswith(boot) and (boot or "boot" not in one.cause) for one in found)
    assert all(str(origin).endswith(line) for one in found for origin in one.origins)
    assert "to-pods" in _refuted(verification)


@pytest.mark.parametrize(
    ("snippet", "when"),
    [
        pytest.param(f"runcmd: [{OPENED}]", FIRST, id="opened on the first boot"),
        pytest.param(f"write_files: [{RC_LOCAL % OPENED}]", LATER, id="opened on later boots"),
    ],
)
def test_a_denied_flow_that_arrives_on_one_boot_is_refuted(tmp_path: Path, snippet: str, when: str) -> None:
    verification = _judge(tmp_path, "host", snippet)

    assert _refuted(verification) == ["closed"]
    assert [one.cause for one in _errors(verification)] == [f"the denied flow closed arrives {when}"]


def test_rules_that_nothing_loads_again_are_gone_from_the_second_boot_on(tmp_path: Path) -> None:
    hook = "type filter hook input priority 0; policy accept;"
    rules = f"table inet own {{\\n\\tchain f {{\\n\\t\\t{hook}\\n\\t\\ttcp dport 22 drop\\n\\t}}\\n}}\\n"
    unit = (
        "{path: /etc/systemd/system/own.service, content: "
        '"[Unit]\\nBefore=network-pre.target\\nWants=network-pre.target\\n'
        '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/usr/sbin/nft -f /etc/nftables/own.nft\\n"}'
    )
    file = f'{{path: /etc/nftables/own.nft, content: "{rules}"}}'
    snippet = f"write_files: [{file}, {unit}]\nruncmd: [systemctl enable --now own.service]"

    verification = _judge(tmp_path, "lb", snippet)

    (filtered,) = _errors(verification)
    (unloaded,) = (one for one in verification.findings if one.kind == "UNLOADED_RULES")
    assert filtered.kind == "FILTERED"
    assert filtered.cause.endswith(FIRST)
    assert (
        unloaded.cause == f"own.service has no [Install] section: nothing ever starts it, and it loads no rules {LATER}"
    )


def test_nodes_that_differ_on_their_first_boot_are_on_it_together(tmp_path: Path) -> None:
    both = (
        "rocky: {os: rocky10, firewalld: masked}",
        "rocky: {os: rocky10, firewalld: masked, cloud_init: [own.yaml]}",
    )

    one = _judge(tmp_path, "lb", "runcmd: [ip route add 10.9.0.0/16 via 10.1.0.1]")
    (tmp_path / "own.yaml").write_text(
        "#cloud-config\nruncmd: [ip rule add from 10.9.0.0/16 table 9]\n", encoding="utf-8"
    )
    two = judge(tmp_path, change(TOPOLOGY, both)).verification

    said = "differ on their first boot: all of them are on it, or all are past it"
    assert [sentence for sentence in one.assumptions if said in sentence] == []
    assert [sentence for sentence in two.assumptions if said in sentence] == [f"host, lb {said}"]
