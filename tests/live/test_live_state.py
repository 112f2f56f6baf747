"""Records of a machine: the script's, of a real kernel in a namespace, and others that are no record."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import netwright.live
from netwright.verify.reading.live_state import read_live_state
from netwright.verify.reading.record import RecordError
from netwright.verify.values.addresses import EVERYWHERE, format_ip, parse_ip, parse_prefix
from netwright.verify.values.live import LiveFile, LiveNextHop, LiveState

SCRIPT = Path(netwright.live.__file__).with_name("collect.sh")
SPACE = f"nwlive{os.getpid()}"
SETUP = """\
link set lo up
link add d0 type veth peer name d1
link set d1 up
link add b0 type bridge
link set d1 master b0
link set d0 up mtu 1400
addr add 10.0.0.1/24 broadcast 10.0.0.255 dev d0
addr add 10.0.0.9/32 dev d0
route add 10.1.0.0/16 via 10.0.0.2 metric 7 mtu 1300 src 10.0.0.1
route add blackhole 10.2.0.0/16
route add 10.3.0.0/16 nexthop via 10.0.0.3 weight 2 nexthop via 10.0.0.4
route add default via 192.0.2.9 dev d0 onlink table 77
route add throw 10.7.0.0/16 table 77
rule add from 10.4.0.0/16 lookup 77 priority 100
rule add to 10.5.0.0/16 fwmark 0x10/0xf0 iif d0 blackhole priority 101
rule add priority 102 lookup main suppress_prefixlength 0
rule add priority 103 tos 0x10 lookup main
"""


def _collect(*files: str, shell: str = "sh") -> bytes:
    command = ["ip", "netns", "exec", SPACE, shell, "-s", "--", *files]
    return subprocess.run(command, input=SCRIPT.read_bytes(), capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def record() -> Iterator[bytes]:
    subprocess.run(["ip", "netns", "add", SPACE], check=True)
    try:
        subprocess.run(["ip", "-n", SPACE, "-batch", "-"], input=SETUP, text=True, check=True)
        nft = ["ip", "netns", "exec", SPACE, "nft", "add table ip own; add chain ip own c { type filter hook input"]
        subprocess.run([*nft[:-1], f"{nft[-1]} priority 0; policy drop; }}"], check=True)
        yield _collect()
    finally:
        subprocess.run(["ip", "netns", "delete", SPACE], check=True)


@pytest.fixture(scope="module")
def state(record: bytes) -> LiveState:
    return read_live_state("node1", record)


def test_addresses_and_links_are_the_kernels(state: LiveState) -> None:
    assert state.addresses is not None
    assert state.links is not None
    own = [(one.ip, one.length, one.broadcast) for one in state.addresses["d0"]]
    assert own == [(parse_ip("10.0.0.1"), 24, parse_ip("10.0.0.255")), (parse_ip("10.0.0.9"), 32, None)]
    assert [(format_ip(one.ip), one.length) for one in state.addresses["lo"]] == [("127.0.0.1", 8)]
    assert (state.links["d0"].mtu, state.links["d0"].kind, state.links["d0"].carries) == (1400, "veth", True)
    assert (state.links["d1"].controller, state.links["b0"].kind, state.links["b0"].up) == ("b0", "bridge", False)


def test_routes_are_the_kernels(state: LiveState) -> None:
    assert state.routes is not None
    routes = {(str(route.to), route.table): route for route in state.routes if route.table != 255}
    via = routes["10.1.0.0/16", 254]
    assert (via.metric, via.mtu, via.source) == (7, 1300, parse_ip("10.0.0.1"))
    assert via.next_hops == (LiveNextHop(interface="d0", gateway=parse_ip("10.0.0.2")),)
    assert [(way.gateway, way.weight) for way in routes["10.3.0.0/16", 254].next_hops] == [
        (parse_ip("10.0.0.3"), 2),
        (parse_ip("10.0.0.4"), 1),
    ]
    assert (routes["10.2.0.0/16", 254].kind, routes["10.2.0.0/16", 254].next_hops) == ("blackhole", ())
    assert routes["10.7.0.0/16", 77].kind == "throw"
    assert routes["0.0.0.0/0", 77].next_hops[0].onlink
    assert {route.word for route in state.routes if route.table == 255} == {"local", "broadcast"}


def test_rules_are_the_kernels(state: LiveState) -> None:
    assert state.rules is not None
    rules = {rule.priority: rule for rule in state.rules}
    assert [*rules] == [0, 100, 101, 102, 32766, 32767]
    assert (rules[100].source, rules[100].table) == (parse_prefix("10.4.0.0/16"), 77)
    blackhole = rules[101]
    assert (blackhole.destination, blackhole.mark, blackhole.mask) == (parse_prefix("10.5.0.0/16"), 0x10, 0xF0)
    assert (blackhole.incoming, blackhole.kind, blackhole.source) == ("d0", "blackhole", EVERYWHERE)
    assert rules[102].suppress == 0
    assert [rule for rule in state.unknown_rules if '"priority":103' in rule] == list(state.unknown_rules) != []


def test_rules_of_nft_and_parameters_are_read(state: LiveState) -> None:
    assert "hook input priority" in (state.ruleset or "")
    assert state.parameters is not None
    assert state.parameters["net/ipv4/conf/d0/rp_filter"] in {"0", "1", "2"}
    assert "net/ipv4/tcp_fastopen_key" not in state.parameters


def test_files_are_digests_and_never_contents(state: LiveState, tmp_path: Path) -> None:
    secret = tmp_path / "own file.key"
    secret.write_text("password\n")
    secret.chmod(0o640)
    (tmp_path / "link").symlink_to("own file.key")
    with_own = _in_new_space(str(tmp_path))
    files = read_live_state("node1", with_own).files

    assert files is not None
    assert files[str(secret)] == LiveFile(
        mode=0o640,
        owner="root:root",
        digest="6b3a55e0261b0304143f805a24924d0c1c44524821305f31d9277843b8a10f4e",
    )
    assert files[str(tmp_path / "link")].target == "own file.key"
    assert base64.b64encode(b"password\n") not in with_own
    assert state.files is not None
    assert "/etc/hosts" in state.files


def _in_new_space(*files: str) -> bytes:
    command = [str(SCRIPT), *files]
    return subprocess.run(["unshare", "-n", "sh", *command], capture_output=True, check=True).stdout


def test_what_is_not_there_is_named(state: LiveState) -> None:
    assert state.pod_networks is None
    assert "No such file" in state.unread["pod-networks"]
    assert "flannel" in state.unread


def _line(name: str, output: bytes = b"", rest: bytes = b" 0") -> bytes:
    return b"\t".join((name.encode(), base64.b64encode(output), base64.b64encode(rest))) + b"\n"


BEGIN, END = _line("format", b"1\n"), _line("end")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no record of a machine"),
        (b"hello\n", "is no record of a machine"),
        (_line("format", b"2\n") + END, "has format '2', not 1"),
        (BEGIN, "ends before its last fact"),
        (BEGIN + _line("routes")[:-4] + b"\n" + END, "is damaged at its fact 2"),
        (BEGIN + b"\x1b[31m\n" + END, "is damaged at its fact 2"),
        (BEGIN + _line("x") * 300 + END, "is damaged at its fact 201"),
    ],
    ids=["empty", "text", "newer", "cut-off", "bad-base64", "escapes", "many"],
)
def test_what_is_no_record_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(RecordError) as error:
        read_live_state("node1", content)

    assert message in str(error.value)


def test_a_greeting_before_the_record_does_not_matter() -> None:
    assert read_live_state("node1", b"Welcome!\n" + BEGIN + _line("hostname", b"node1\n") + END).hostname == "node1"


@pytest.mark.parametrize(
    ("fact", "output", "rest", "reason"),
    [
        ("routes", b"[{", b" 0", "is not what the command prints: Input data was truncated"),
        ("routes", b'[{"dst": 7}]', b" 0", "is not what the command prints: Expected `str`, got `int`"),
        ("routes", b'[{"dst": "10.0.0.0/33"}]', b" 0", "'10.0.0.0/33' is no IPv4 network"),
        ("routes", b'[{"dst": "default", "table": "blue"}]', b" 0", "the routing table 'blue' has a name"),
        ("routes", b"[" * 100_000, b" 0", "is not what the command prints"),
        ("addresses", b'[{"ifname": "e", "addr_info": [{"local": "x", "prefixlen": 1}]}]', b" 0", "is no IPv4 address"),
        (
            "ruleset",
            b"",
            b"Operation not permitted (you must be root)\n 1",
            "Operation not permitted (you must be root)",
        ),
        ("ruleset", b"table", b" 124", "took too long"),
        ("ruleset", b"table", b" 141", "was cut off"),
        ("units", b"", b"", "the command ended with status None"),
        ("files", b"no file\0", b" 0", "another form"),
    ],
)
def test_a_fact_that_is_not_what_was_asked_is_unread(fact: str, output: bytes, rest: bytes, reason: str) -> None:
    state = read_live_state("node1", BEGIN + _line(fact, output, rest) + END)

    assert getattr(state, fact) is None
    assert reason in state.unread[fact]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_script_is_for_every_shell(record: bytes, shell: str) -> None:
    again = _collect(shell=shell)

    assert [line.split(b"\t")[0] for line in again.splitlines()] == [
        line.split(b"\t")[0] for line in record.splitlines()
    ]


def test_further_files_and_parameters_are_asked_for() -> None:
    state = read_live_state("node1", _in_new_space(sys.executable, "/proc/sys/kernel/ostype", "/proc/sys/a;b"))

    assert state.files is not None
    assert state.parameters is not None
    assert state.parameters["kernel/ostype"] == "Linux"
    assert sys.executable in state.files
