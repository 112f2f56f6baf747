"""The reader of nft files and the order of sysctl.d."""

import subprocess

import pytest

from netwright.verify.network_model.parameters import apply_settings
from netwright.verify.reading.formats.nft import read_nft
from netwright.verify.reading.formats.sysctl import merge_order, read_sysctl, split_key
from netwright.verify.values.addresses import format_range
from netwright.verify.values.nftables import (
    BeginningMatch,
    NameMatch,
    NumberMatch,
    OpenedMatch,
    OwnMatch,
    Ruleset,
    StateMatch,
)

TABLE = """table inet t {
	set friends { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.1-192.168.0.9 } }
	chain other {
		return
	}
	chain forward {
		type filter hook forward priority filter - 5; policy drop;
		%s
	}
}
"""
NAT = """table inet t {
	chain c {
		type nat hook %s priority 0
		%s
	}
}
"""


NAT_PLACES = {"snat": "postrouting", "masquerade": "postrouting", "dnat ": "prerouting", "redirect": "prerouting"}


def _read(text: str) -> Ruleset:
    ruleset = Ruleset()
    read_nft("f", text, ruleset)
    return ruleset


def _rule(rule: str) -> tuple[list[str], list[str], str | None]:
    """The rule's matches and statements in short, and what is not known of it."""
    place = next((place for word, place in NAT_PLACES.items() if word in rule), "")
    ruleset = _read(NAT % (place, rule) if place else TABLE % rule)
    assert ruleset.unknown == []
    (read,) = ruleset.tables["inet", "t"].chains["c" if place else "forward"].rules
    matches = []
    for match in read.matches:
        if isinstance(match, NumberMatch):
            shown = [format_range(*one) if match.of.endswith("addr") else f"{one[0]}-{one[1]}" for one in match.ranges]
            matches.append(f"{match.of} {','.join(shown)}")
        elif isinstance(match, NameMatch):
            names = ",".join(match.names)
            matches.append(f"{'out' if match.egress else 'in'} {'not ' if match.negated else ''}{names}")
        elif isinstance(match, StateMatch):
            matches.append("state " + ",".join(sorted(match.states)))
        elif isinstance(match, OwnMatch):
            matches.append("not own" if match.negated else "own")
        elif isinstance(match, OpenedMatch):
            matches.append(f"opened {match.of} {','.join(format_range(*one) for one in match.ranges)}")
        elif isinstance(match, BeginningMatch):
            matches.append("continues" if match.negated else "begins")
        else:
            matches.append("translated")
    return matches, [statement.kind for statement in read.statements], read.unread


@pytest.mark.parametrize(
    ("text", "matches", "statements"),
    [
        ("ip saddr 10.0.0.1 accept", ["saddr 10.0.0.1"], ["accept"]),
        ("ip daddr { 10.0.0.0/24, 10.0.1.5 } drop", ["daddr 10.0.0.0/24,10.0.1.5"], ["drop"]),
        (
            "ip saddr @friends counter packets 0 bytes 0 jump other",
            ["saddr 10.0.0.0/8,192.168.0.1-192.168.0.9"],
            ["jump"],
        ),
        ("ip saddr != 128.0.0.0/1 goto other", ["saddr 0.0.0.0/1"], ["goto"]),
        ("tcp dport { 22, 80-90 } accept", ["protocol 6-6", "dport 22-22,80-90"], ["accept"]),
        ("udp sport != 53 drop", ["protocol 17-17", "sport 0-52,54-65535"], ["drop"]),
        ('meta l4proto icmp accept comment "a # b; c"', ["protocol 1-1"], ["accept"]),
        ("icmp type echo-request accept", ["protocol 1-1", "icmp 8-8"], ["accept"]),
        ('iifname "e*" oifname != { "a", b } accept', ["in e*", "out not a,b"], ["accept"]),
        ("ct state established,related accept", ["state established,related"], ["accept"]),
        ("ct state != { new, invalid } accept", ["state established,related,untracked"], ["accept"]),
        ("ip6 saddr fe80::/10 accept", ["protocol "], ["accept"]),
        ("reject with icmp type host-prohibited", [], ["reject"]),
        ("snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.1.0.0/16 }", [], ["snat"]),
        ("oifname eth0 masquerade random", ["out eth0"], ["masquerade"]),
        ("oifname eth0 masquerade random,persistent", ["out eth0"], ["masquerade"]),
        ("tcp dport 8080 dnat ip to 10.0.0.1:80", ["protocol 6-6", "dport 8080-8080"], ["dnat"]),
        ("tcp dport 8080 redirect to :80", ["protocol 6-6", "dport 8080-8080"], ["redirect"]),
        ("udp dport 53 redirect", ["protocol 17-17", "dport 53-53"], ["redirect"]),
        ("tcp dport 80 ct status dnat accept", ["protocol 6-6", "dport 80-80", "translated"], ["accept"]),
        ("tcp flags & (syn | ack) == syn drop", ["protocol 6-6", "begins"], ["drop"]),
        (
            "tcp sport 80 tcp flags & (syn|ack) != syn accept",
            ["protocol 6-6", "sport 80-80", "protocol 6-6", "continues"],
            ["accept"],
        ),
        ("tcp flags != syn / syn,ack accept", ["protocol 6-6", "continues"], ["accept"]),
        ("fib daddr type local accept", ["own"], ["accept"]),
        ("fib daddr type != local drop", ["not own"], ["drop"]),
        ('tcp dport 22 log prefix "in: " level info flags all drop', ["protocol 6-6", "dport 22-22"], ["drop"]),
        ("reject with tcp reset", ["protocol 6-6"], ["reject"]),
        ("reject with icmpv6 type no-route", ["protocol "], ["reject"]),
        (
            "meta l4proto { tcp, udp } th dport 53 accept",
            ["protocol 6-6,17-17", "protocol 6-6,17-17,132-132", "dport 53-53"],
            ["accept"],
        ),
        ("notrack accept", [], ["notrack", "accept"]),
        (
            "ct original ip daddr { 10.0.0.1, 10.1.0.0/24 } ct original ip saddr 10.2.0.1 drop",
            ["opened daddr 10.0.0.1,10.1.0.0/24", "opened saddr 10.2.0.1"],
            ["drop"],
        ),
        (
            "meta l4proto tcp ct original proto-dst 443 accept",
            ["protocol 6-6", "opened dport 0.0.1.187"],
            ["accept"],
        ),
    ],
)
def test_a_rule_is_read(text: str, matches: list[str], statements: list[str]) -> None:
    assert _rule(text) == (matches, statements, None)


def test_a_port_of_any_protocol_may_match_one_without_ports() -> None:
    """Seen with ICMP, whose checksum is where others have a port."""
    matches, statements, unread = _rule("ip saddr 10.0.0.1 th dport != 8080 drop")

    assert (matches, statements) == (["saddr 10.0.0.1"], ["drop"])
    assert unread is not None
    assert "whatever any protocol has there" in unread


UNMODELLED = [
    "meta mark 1 accept",
    "meta mark set 0x10 accept",
    "ip ttl 1 drop",
    "ip ttl < 5 drop",
    "limit rate 1/second accept",
    "limit rate over 10 mbytes/second burst 5 mbytes drop",
    "tcp dport ssh accept",
    "tcp dport { ssh, https } accept",
    "tcp flags syn drop",
    "tcp flags & (fin|syn|rst|ack) == syn drop",
    "tcp flags syn tcp option maxseg size set rt mtu",
    "ct mark 1 accept",
    "ct mark set meta mark",
    "ct status snat accept",
    "ct status != dnat accept",
    "ct direction reply accept",
    "fib daddr type broadcast drop",
    "fib saddr type local drop",
    "ct original ip daddr != 10.0.0.1 accept",
    "fib daddr type { local, broadcast } accept",
    "fib saddr . iif oif missing drop",
    "meta pkttype { broadcast, multicast } drop",
    "snat ip to 10.0.0.1-10.0.0.9",
    "snat ip to ip saddr map { 10.1.0.0/24 : 10.2.0.0/24 }",
    "ct state != established,related drop",
]
REFUSED = [
    "ct original proto-dst 443 accept",
    "ct original proto-dst 443 meta l4proto tcp accept",
    "acept",
    "ip daddr 10.99.9.9 tcp dport 9999 acept",
    "tcp dport 22 acccept",
    "tcp drop",
    "tcp dport 70000 accept",
    "ip saddr 10.0.0.0/33 drop",
    "ip saddr 10.0.0.256 drop",
    "ip saddr { 10.0.0.1 10.0.0.2 } drop",
    "ip saddr { 10.0.0.1; 10.0.0.2 } drop",
    "ip saddr != == 10.0.0.1 drop",
    "ip saddr @strangers drop",
    "ip6 saddr fe80::1::2 accept",
    "ip6 adr fe80::1 accept",
    "icmpv6 type echo-requests accept",
    "icmp type echo accept",
    "icmp typ echo-request accept",
    "l4proto tcp accept",
    "meta l4proto tpc accept",
    "ct state establish accept",
    "ct state established related accept",
    'iifname { "a" "b" } accept',
    '"accept"',
    "reject with icmp type port-unreachables",
    "reject with icmp",
    "log level loud drop",
    "log prefix in drop accept",
    "counter packets many bytes 0 accept",
    "limit rate 1 second accept",
    "tcp flags & (fin|sin) == syn drop",
    "jump",
    "jump nowhere",
    "snat ip to",
    'accept comment "' + "x" * 129 + '"',
    "accept comment two words",
    "queues",
    "accept }",
]
"""Words for which nft 1.0.6 loads nothing of the file: asked in test_nft_loads_no_file_that_is_named."""


@pytest.mark.parametrize("text", UNMODELLED)
def test_what_a_rule_says_beyond_the_model_is_kept_with_the_rule(text: str) -> None:
    assert _rule(text)[2] is not None


@pytest.mark.parametrize("text", REFUSED)
def test_a_word_that_nft_does_not_know_makes_the_whole_file_unknown(text: str) -> None:
    assert _read(NAT % ("postrouting", text) if "snat" in text else TABLE % text).unknown != []


REFUSED_FILES = {
    "a missing brace": TABLE % "accept" + "table ip x {\n",
    "no last brace": (TABLE % "accept").rstrip("}\n") + "\t}\n",
    "a brace too many": TABLE % "accept" + "}\n",
    "line ends of Windows": (TABLE % "accept").replace("\n", "\r\n"),
    "a regular chain before the base chain": "table ip t {\n\tchain c {\n\t\taccept\n\t}\n}\n"
    + NAT.replace("inet", "ip") % ("postrouting", "accept"),
    "a base chain of another hook": NAT % ("postrouting", "accept") + NAT % ("prerouting", "accept"),
    "a brace on its own line": "table inet t\n{\n}\n",
    "a chain with a keyword's name": "table inet t {\n\tchain fwd {\n\t}\n}\n",
    "a table with a keyword's name": "table inet policy {\n}\n",
    "a set with a keyword's name": "table inet t {\n\tset map {\n\t\ttype ipv4_addr\n\t}\n}\n",
    "a number for a name": "table inet 4 {\n}\n",
    "a set without a type": "table inet t {\n\tset s {\n\t\tflags interval\n\t}\n}\n",
    "a type with more behind it": "table inet t {\n\tset s {\n\t\ttype ipv4_addr ipv4_addr\n\t}\n}\n",
    "flags that are none": "table inet t {\n\tset s {\n\t\ttype ipv4_addr\n\t\tflags intervall\n\t}\n}\n",
    "a policy that is none": (TABLE % "accept").replace("policy drop", "policy deny"),
    "a policy without semicolon": (TABLE % "accept").replace(" - 5; policy", " - 5 policy"),
    "a hook with a device": (TABLE % "accept").replace("hook forward", "hook forward device eth0"),
    "a hook that is none": (TABLE % "accept").replace("hook forward", "hook forwards"),
    "a command that is none": "tabel inet t {\n}\n",
    "a word in front": "a" + TABLE % "accept",
    "a string for a command": '"table" inet t {\n}\n',
}


@pytest.mark.parametrize("text", REFUSED_FILES.values(), ids=REFUSED_FILES)
def test_a_file_that_nft_refuses_is_unknown(text: str) -> None:
    assert _read(text).unknown != []


def test_nft_loads_no_file_that_is_named() -> None:
    rules = {rule: NAT % ("postrouting", rule) if "snat" in rule else TABLE % rule for rule in (*UNMODELLED, *REFUSED)}

    loaded = [name for name, text in (rules | REFUSED_FILES).items() if _is_loaded(text)]

    assert loaded == UNMODELLED


def _is_loaded(text: str) -> bool:
    command = ("unshare", "-rn", "nft", "-f", "-")
    return subprocess.run(command, input=text.encode(), capture_output=True, check=False).returncode == 0


def test_known_matches_of_an_unknown_rule_are_kept() -> None:
    matches, statements, unread = _rule("ip saddr 10.0.0.1 meta mark 1 accept")

    assert (matches, statements, unread is None) == (["saddr 10.0.0.1"], ["accept"], False)


def test_a_hook_has_its_priority_and_policy() -> None:
    hook = _read(TABLE % "accept").tables["inet", "t"].chains["forward"].hook

    assert hook is not None
    assert (hook.kind, hook.point, hook.priority, hook.policy) == ("filter", "forward", -5, "drop")


def test_add_delete_and_fill_leaves_one_table() -> None:
    text = "add table ip t\ndelete table ip t\ntable ip t {\n\tchain c {\n\t\taccept\n\t}\n}\n"
    ruleset = Ruleset()

    read_nft("f", text, ruleset)
    read_nft("f", text, ruleset)

    assert [len(chain.rules) for chain in ruleset.tables["ip", "t"].chains.values()] == [1]
    assert ruleset.unknown == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("define x = 3", 1),
        ('\ninclude "more"', 2),
        ("table netdev t {\n\tchain c { }\n}", 1),
        ("table ip t {\n\tmap m { type ipv4_addr : verdict; }\n}", 2),
        ("table ip t {\n\tchain c {\n\t\ttype filter hook ingress device eth0 priority 0\n\t}\n}", 3),
        ("table ip t {\n\tchain c {\n\t\tjump nowhere\n\t}\n}", 3),
        ("table ip t {\n\tset s { type mark; }\n}", 2),
        ("table ip t {\n\tflags dormant\n}", 2),
        ("}", 1),
        ("table ip t {\n\tset s { type ipv4_addr; elements = { 10.0.0.1 }; }\n}\n" * 2, 5),
        ("table ip t {\n\tchain c {\n\t\ttype filter hook prerouting priority -200\n\t}\n}", 3),
    ],
    ids=["define", "include", "family", "map", "hook", "target", "set", "flags", "brace", "two sets", "priority"],
)
def test_an_unknown_part_of_a_file_is_named_with_its_line(text: str, line: int) -> None:
    assert [unknown.origin.line for unknown in _read(text).unknown] == [line]


def test_sysctl_files_are_read_by_name_over_all_directories() -> None:
    paths = [
        "/etc/sysctl.d/99-zz.conf",
        "/etc/sysctl.conf",
        "/usr/lib/sysctl.d/50-a.conf",
        "/etc/sysctl.d/50-a.conf",
        "/etc/x",
    ]

    order = merge_order(dict.fromkeys(paths, ""))

    assert order == ("/etc/sysctl.d/50-a.conf", "/etc/sysctl.conf", "/etc/sysctl.d/99-zz.conf")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("net.ipv4.conf.eth0.rp_filter", ("net", "ipv4", "conf", "eth0", "rp_filter")),
        ("net/ipv4/conf/eth0.100/rp_filter", ("net", "ipv4", "conf", "eth0.100", "rp_filter")),
        ("net.ipv4.conf.eth0/100.rp_filter", ("net", "ipv4", "conf", "eth0.100", "rp_filter")),
    ],
)
def test_dots_and_slashes_of_a_key(key: str, words: tuple[str, ...]) -> None:
    assert split_key(key) == words


def test_a_line_without_a_value_is_named() -> None:
    assert [line.origin.line for line in read_sysctl("s", "# c\nnet.ipv4.ip_forward\n").unknown] == [2]


@pytest.mark.parametrize(
    ("lines", "interface", "key", "value"),
    [
        ("net.ipv4.conf.eth0.rp_filter = 0\nnet.ipv4.conf.all.rp_filter = 1", "eth0", "rp_filter", 1),
        ("net.ipv4.conf.*.rp_filter = 2\nnet.ipv4.conf.eth0.rp_filter = 1", "eth0", "rp_filter", 2),
        (
            "net.ipv4.conf.*.rp_filter = 1\n-net.ipv4.conf.all.rp_filter\nnet.ipv4.conf.eth0.rp_filter = 0",
            "eth0",
            "rp_filter",
            0,
        ),
        ("net.ipv4.conf.default.rp_filter = 1", "later", "rp_filter", 1),
        ("net.ipv4.conf.default.rp_filter = 1", "eth0", "rp_filter", 0),
        ("net.ipv4.conf.eth0.forwarding = 0\nnet.ipv4.ip_forward = 1", "eth0", "forwarding", 1),
        ("net.ipv4.ip_forward = 1\nnet.ipv4.conf.eth0.forwarding = 0", "eth0", "forwarding", 0),
        ("net.ipv4.ip_forward = 1", "later", "forwarding", 1),
    ],
    ids=[
        "max",
        "explicit beats glob but all stays",
        "excluded",
        "default later",
        "default now",
        "reset",
        "after",
        "later",
    ],
)
def test_parameters_end_up_as_the_kernel_has_them(lines: str, interface: str, key: str, value: int) -> None:
    parameters = apply_settings(read_sysctl("s", lines).settings, ["eth0"], ["later"])

    found = parameters.largest(interface, key) if key == "rp_filter" else parameters.value(interface, key)
    assert found == value


def test_a_parameter_of_unknown_effect_is_named() -> None:
    settings = read_sysctl("s", "net.ipv4.tcp_rmem = 1 2 3\nnet.ipv4.conf.eth0.arp_filter = 1\n").settings

    assert [line.origin.line for line in apply_settings(settings, ["eth0"], []).unknown] == [2]
