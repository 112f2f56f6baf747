"""nft files: the commands that make, delete and fill tables, in their order (nft(8))."""

import re

from gen.verify.addresses import merge
from gen.verify.facts import Origin, Unknown
from gen.verify.nftables import PRIORITIES, Chain, Hook, Ruleset, Table
from gen.verify.readers.nft_rules import Misread, parse_ips, parse_ports, read_elements, read_rule
from gen.verify.readers.nft_words import Word, Words, spell, split_words

_FAMILIES = ("ip", "inet", "ip6")
_POINTS = ("prerouting", "input", "forward", "output", "postrouting")
_HOOK = re.compile(
    r"type (filter|nat|route) hook (\w+)(?: device \S+)? priority ([a-z]+|-?[0-9]+)(?: ([+-]) ?([0-9]+))?"
)


class _File:
    """One file being read into a ruleset."""

    def __init__(self, name: str, text: str, ruleset: Ruleset) -> None:
        self.name = name
        self.words = split_words(text)
        self.place = 0
        self.ruleset = ruleset

    def origin(self, word: Word) -> Origin:
        return Origin(file=self.name, line=word.line)

    def puzzle(self, words: tuple[Word, ...], reason: str) -> None:
        origin = self.origin(words[0]) if words else Origin(file=self.name, line=1)
        self.ruleset.unknown.append(Unknown(origin=origin, text=spell(words), reason=reason))

    def skip_ends(self) -> Word | None:
        """The next word that ends no statement, not taken; None at the end of the file."""
        while self.place < len(self.words) and self.words[self.place].text == ";" and not self.words[self.place].quoted:
            self.place += 1
        return self.words[self.place] if self.place < len(self.words) else None

    def take_statement(self, *, block: bool) -> tuple[Word, ...]:
        """The words up to the statement's end; with `block` a brace that opens a block ends it too and is taken."""
        taken: list[Word] = []
        depth = 0
        while self.place < len(self.words):
            word = self.words[self.place]
            mark = "" if word.quoted else word.text
            if depth == 0 and mark in (";", "}"):
                break
            self.place += 1
            if mark == "{" and block:
                return (*taken, word)
            depth += (mark == "{") - (mark == "}")
            if mark != ";":
                taken.append(word)
        return tuple(taken)

    def skip_block(self) -> None:
        """Leaves out everything up to the brace that closes the block."""
        depth = 1
        while depth and self.place < len(self.words):
            word = self.words[self.place]
            depth += 0 if word.quoted else (word.text == "{") - (word.text == "}")
            self.place += 1

    def close_block(self) -> bool:
        """Whether the block's closing brace comes next; it is taken, and so is a missing one at the file's end."""
        word = self.skip_ends()
        if word is None or (word.text == "}" and not word.quoted):
            self.place += 1
            return True
        return False


def read_nft(name: str, text: str, ruleset: Ruleset) -> None:
    """Runs the file's commands on the ruleset."""
    file = _File(name, text, ruleset)
    while (word := file.skip_ends()) is not None:
        if word.text == "}":
            file.puzzle((word,), "a brace too many")
            file.place += 1
            continue
        statement = file.take_statement(block=True)
        if not statement:
            return
        _run_command(file, statement)
    for table in ruleset.tables.values():
        _check_targets(table, ruleset)


def _run_command(file: _File, statement: tuple[Word, ...]) -> None:
    words = [word.text for word in statement]
    if words[0] == "add" and words[1:2] == ["table"]:
        words = words[1:]
    tables = file.ruleset.tables
    if words == ["flush", "ruleset"]:
        tables.clear()
        return
    opens = words[-1] == "{"
    named = words[:-1] if opens else words
    if len(named) == 2 and named[0] == "table":
        named.insert(1, "ip")
    key = (named[1], named[2]) if len(named) == 3 else ("", "")
    if named[0] == "table" and key[0] in _FAMILIES:
        table = tables.setdefault(key, Table(family=key[0], name=key[1]))
        if opens:
            _read_table(file, table)
    elif len(named) == 4 and named[1] == "table" and named[0] in ("delete", "destroy") and not opens:
        tables.pop((named[2], named[3]), None)
    elif named[:2] == ["flush", "table"] and len(named) == 4:
        for chain in tables[named[2], named[3]].chains.values() if (named[2], named[3]) in tables else ():
            chain.rules.clear()
    else:
        if opens:
            file.skip_block()
        file.puzzle(statement, "not a known nft command")


def _read_table(file: _File, table: Table) -> None:
    while not file.close_block():
        statement = file.take_statement(block=True)
        words = [word.text for word in statement]
        opens = words[-1:] == ["{"]
        if len(words) == 3 and words[0] == "chain" and opens:
            chain = table.chains.setdefault(words[1], Chain(name=words[1], origin=file.origin(statement[0])))
            _read_chain(file, table, chain)
        elif len(words) == 3 and words[0] == "set" and opens:
            _read_set(file, table, statement)
        elif words[:1] == ["comment"] and not opens:
            continue
        else:
            if opens:
                file.skip_block()
            file.puzzle(statement, "not known in a table")


def _read_chain(file: _File, table: Table, chain: Chain) -> None:
    while not file.close_block():
        statement = file.take_statement(block=False)
        words = [word.text for word in statement]
        if words[:1] == ["type"]:
            hook = _read_hook(" ".join(words))
            if hook is None:
                file.puzzle(statement, "not a known hook")
            chain.hook = hook
        elif words[:1] == ["policy"] and chain.hook is not None and words[1:] in (["accept"], ["drop"]):
            hook = chain.hook
            chain.hook = Hook(kind=hook.kind, point=hook.point, priority=hook.priority, policy=words[1])
        elif words[:1] == ["comment"]:
            continue
        else:
            chain.rules.append(read_rule(statement, file.origin(statement[0]), table.sets))


def _read_hook(text: str) -> Hook | None:
    match = _HOOK.fullmatch(text)
    if match is None or match[2] not in _POINTS:
        return None
    base = PRIORITIES.get(match[3])
    if base is None:
        if not match[3].lstrip("-").isdigit():
            return None
        base = int(match[3])
    shift = int(match[5]) if match[5] else 0
    return Hook(
        kind=match[1], point=match[2], priority=base - shift if match[4] == "-" else base + shift, policy="accept"
    )


def _read_set(file: _File, table: Table, head: tuple[Word, ...]) -> None:
    """A named set of addresses or ports. It must stand before the rules that use it."""
    kinds = {"ipv4_addr": parse_ips, "inet_service": parse_ports}
    parse = None
    while not file.close_block():
        statement = file.take_statement(block=False)
        reader = Words(statement)
        if reader.accept("type") and reader.peek() in kinds:
            parse = kinds[reader.take()]
        elif parse is not None and reader.accept("elements", "=", "{"):
            try:
                table.sets[head[1].text] = merge(read_elements(reader, parse))
            except (Misread, IndexError) as misread:
                file.puzzle(statement, f"in a set: {misread}")
        elif statement[0].text not in ("flags", "auto-merge", "comment") or "timeout" in spell(statement):
            file.puzzle(statement, "not known in a set")
    table.sets.setdefault(head[1].text, ())


def _check_targets(table: Table, ruleset: Ruleset) -> None:
    for chain in table.chains.values():
        for rule in chain.rules:
            for statement in rule.statements:
                if statement.chain is not None and statement.chain not in table.chains:
                    ruleset.unknown.append(Unknown(origin=rule.origin, text=rule.text, reason="no such chain"))
