"""The real nft, loading a ruleset into a kernel that already holds somebody else's."""

import json
from typing import Any

from msgspec import Struct

from netwright.lab.machine import LabMachine, boot

Statement = dict[str, Any]

FOREIGN = """
table ip kube-proxy {
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 10.42.0.0/16 ip daddr != 10.42.0.0/16 masquerade
    }
}
table inet firewalld {
    set trusted { type ipv4_addr; elements = { 192.0.2.1 } }
    chain forward { type filter hook forward priority filter + 10; policy accept; ip saddr @trusted accept; }
}
"""
"""Tables that somebody else loaded before; they have to stay as they are."""


class Loaded(Struct, frozen=True, kw_only=True):
    """The kernel's ruleset as nft's JSON objects, without handles: ours after each of two loads, and the others'."""

    first: tuple[Statement, ...]
    second: tuple[Statement, ...]
    foreign_before: tuple[Statement, ...]
    foreign_after: tuple[Statement, ...]


def load_twice(ruleset: bytes, *, table: str = "netwright", foreign: str = FOREIGN) -> Loaded:
    """The kernel's ruleset after `nft -f` of the text, and after the same again.

    Raises ProgramFailedError with nft's words if it refuses the text.
    """
    with boot("node") as (machine,):
        machine.run("nft", "-f", "-", stdin=foreign)
        before = list_ruleset(machine)
        machine.run("nft", "--check", "--file", "-", stdin=ruleset.decode())
        machine.run("nft", "-f", "-", stdin=ruleset.decode())
        first = list_ruleset(machine)
        machine.run("nft", "-f", "-", stdin=ruleset.decode())
        second = list_ruleset(machine)
        return Loaded(
            first=tuple(statement for statement in first if _table(statement) == table),
            second=tuple(statement for statement in second if _table(statement) == table),
            foreign_before=before,
            foreign_after=tuple(statement for statement in second if _table(statement) != table),
        )


def list_ruleset(machine: LabMachine) -> tuple[Statement, ...]:
    """The machine's whole ruleset, each table, chain, set and rule an object without its handle."""
    listed = json.loads(machine.run("nft", "--json", "list", "ruleset").stdout)["nftables"]
    return tuple(_without_handle(statement) for statement in listed if "metainfo" not in statement)


def chains(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The chains among the statements: name, type, hook, prio, policy of each."""
    return tuple(statement["chain"] for statement in statements if "chain" in statement)


def rules(statements: tuple[Statement, ...], chain: str) -> tuple[Statement, ...]:
    """The rules of one chain in order: expr (what it matches and does) and comment of each."""
    return tuple(
        statement["rule"] for statement in statements if "rule" in statement and statement["rule"]["chain"] == chain
    )


def _table(statement: Statement) -> str:
    (content,) = statement.values()
    return str(content["table"] if "table" in content else content["name"])


def _without_handle(statement: Statement) -> Statement:
    return {
        kind: {key: value for key, value in content.items() if key != "handle"} for kind, content in statement.items()
    }
