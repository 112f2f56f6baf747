"""Files of programs that decide about packets without being network files: K3s's and ip-masq-agent's."""

import pytest

from netwright.verify.reading.formats.k3s import CONFIG, read_k3s
from netwright.verify.reading.formats.masq_agent import read_masq_agent
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.nftables import NumberField, NumberMatch, Rule
from tests.verify.reference import ranges

_UNIT = "/etc/systemd/system/k3s.service"


def _read(files: dict[str, str], *commands: str) -> dict[str, str]:
    """Return K3s's settings, as KEY: VALUES at LINE."""
    shown = {path: (path, text) for path, text in files.items()}
    found = read_k3s(shown, [(Origin(file="seed", line=1), command) for command in commands], [])
    return {key: f"{','.join(one.values)} at {one.origin}" for key, one in found.items()}


def test_k3s_reads_its_configuration_file() -> None:
    text = "flannel-backend: host-gw\nnode-ip:\n  - 10.0.0.1\ncluster-cidr: 10.244.0.0/16,fd00::/48\ntls-san: a\n"

    assert _read({CONFIG: text}) == {
        "flannel-backend": f"host-gw at {CONFIG}:1",
        "node-ip": f"10.0.0.1 at {CONFIG}:2",
        "cluster-cidr": f"10.244.0.0/16,fd00::/48 at {CONFIG}:4",
    }


def test_later_files_win_over_earlier_ones_and_arguments_over_all() -> None:
    files = {CONFIG: "flannel-iface: eth0\n", f"{CONFIG}.d/10-x.yaml": "flannel-iface: eth1\n"}
    unit = {_UNIT: "[Service]\nExecStart=/usr/bin/k3s server \\\n    --flannel-iface=eth2\n"}

    assert _read(files) == {"flannel-iface": f"eth1 at {CONFIG}.d/10-x.yaml:1"}
    assert _read({**files, **unit}) == {"flannel-iface": f"eth2 at {_UNIT}:3"}


@pytest.mark.parametrize(
    "command",
    [
        "curl -sfL https://get.k3s.io | INSTALL_K3S_EXEC='server --flannel-iface=eth2' sh -",
        "curl -sfL https://get.k3s.io | sh -s - server --flannel-iface eth2",
        'k3s agent --node-label=a=b --flannel-iface "eth2" --token x',
    ],
)
def test_arguments_stand_in_commands(command: str) -> None:
    assert _read({}, command) == {"flannel-iface": "eth2 at seed:1"}


def test_an_argument_without_a_value_is_a_flag() -> None:
    assert _read({}, "k3s server --disable-kube-proxy --node-ip=10.0.0.1") == {
        "disable-kube-proxy": "true at seed:1",
        "node-ip": "10.0.0.1 at seed:1",
    }


def test_what_is_no_argument_of_k3s_is_left_alone() -> None:
    unit = {_UNIT: "# ExecStart=k3s server --flannel-iface=eth2\nExecStart=/usr/bin/k3s server\n"}

    assert _read(unit, "other --flannel-iface=eth3") == {}


def test_a_configuration_that_is_no_mapping_is_unknown() -> None:
    unknown: list[Unknown] = []
    read_k3s({CONFIG: (CONFIG, "- a\n")}, [], unknown)

    assert [one.reason for one in unknown] == ["no YAML that K3s could read"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/k3s.env", "X=--flannel-iface=eth2\n"),
        ("/opt/start.sh", "exec /opt/bin/k3s server --flannel-iface=eth2\n"),
        ("/etc/systemd/system/cluster.service", "ExecStart=/opt/bin/k3s server --flannel-iface=eth2\n"),
    ],
)
def test_arguments_stand_in_any_file_that_is_delivered(path: str, text: str) -> None:
    assert _read({path: text}) == {"flannel-iface": f"eth2 at {path}:1"}


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (CONFIG, "token: x\nflannel-conf: /etc/flannel.json\n", 2),
        (CONFIG, "vpn-auth: name=tailscale,joinKey=x\n", 1),
        (f"{CONFIG}.d/x.yaml", "kube-proxy-arg+: [proxy-mode=nftables]\n", 1),
        (_UNIT, "ExecStart=/usr/bin/k3s server \\\n  --flannel-external-ip\n", 2),
        (_UNIT, "ExecStart=/usr/bin/k3s server -c /etc/other.yaml\n", 1),
        (_UNIT, "Environment=K3S_CONFIG_FILE=/etc/other.yaml\n", 1),
        (_UNIT, "ExecStart=/usr/bin/k3s server \\\n  --config=/etc/other.yaml\n", 2),
        (CONFIG, "kube-proxy-arg: [metrics-bind-address=0.0.0.0, v=2]\nkubelet-arg: [max-pods=99]\n", None),
        (_UNIT, f"ExecStart=/usr/bin/k3s server --config {CONFIG} --kube-proxy-arg=metrics-bind-address=::\n", None),
        (_UNIT, "# ExecStart=/usr/bin/k3s server --flannel-conf=/x\n", None),
        ("/etc/other.service", "ExecStart=/usr/bin/other --config /etc/other.yaml\n", None),
    ],
)
def test_what_k3s_is_told_beside_what_is_read_is_unknown(path: str, text: str, line: int | None) -> None:
    unknown: list[Unknown] = []

    read_k3s({path: (path, text)}, [], unknown)

    assert [one.origin.line for one in unknown] == ([] if line is None else [line])


@pytest.mark.parametrize("text", ["K3S_URL=https://10.0.0.9:6443\n", "K3S_URL='https://10.0.0.9:6443'\n"])
def test_the_server_is_read_from_the_environment_of_k3s(text: str) -> None:
    path = "/etc/systemd/system/k3s-agent.service.env"

    found = read_k3s({path: (path, f"#K3S_URL=https://10.0.0.8:6443\n{text}")}, [], [])

    assert (found["server"].values, found["server"].origin.line) == (("https://10.0.0.9:6443",), 2)


def test_a_server_of_another_program_is_none_of_k3s() -> None:
    path = "/opt/renew.sh"

    assert read_k3s({path: (path, "step ca renew --server https://10.0.0.9\n")}, [], []) == {}


def _agent(text: str) -> tuple[list[Rule], list[str]]:
    unknown: list[Unknown] = []
    ruleset = read_masq_agent("agent", text, unknown)
    rules = [rule for table in ruleset.tables.values() for chain in table.chains.values() for rule in chain.rules]
    return rules, [one.reason for one in unknown]


def test_ip_masq_agent_masquerades_what_is_not_on_its_list() -> None:
    rules, unknown = _agent('{\n  "nonMasqueradeCIDRs": [\n    "10.0.0.0/8"\n  ]\n}\n')

    assert [(rule.text, rule.origin.line) for rule in rules] == [
        ("ip daddr 169.254.0.0/16 return", 2),
        ("ip daddr 10.0.0.0/8 return", 3),
        ("masquerade", 2),
    ]
    assert rules[1].matches == (NumberMatch(of=NumberField.DADDR, ranges=ranges("10.0.0.0/8")),)
    assert unknown == []


def test_ip_masq_agent_spares_link_local_addresses_unless_it_is_told() -> None:
    rules, _ = _agent("nonMasqueradeCIDRs: []\nmasqLinkLocal: true\n")

    assert [rule.text for rule in rules] == ["masquerade"]


def test_what_ip_masq_agent_refuses_is_unknown() -> None:
    assert _agent("nonMasqueradeCIDRs: [10.0.0.1/8]\n")[1] == ["ip-masq-agent takes networks only"]
    assert _agent("[1, 2]\n")[1] == ["no configuration that ip-masq-agent could read"]
