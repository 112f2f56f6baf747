"""nft files: the commands that make, delete and fill tables, in their order (nft(8))."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from msgspec.structs import replace

from netwright.verify.reading.formats.nft_file import RulesetFile
from netwright.verify.reading.formats.nft_refusals import LONGEST_COMMENT, MISREAD, REFUSED, refusals
from netwright.verify.reading.formats.nft_rules import read_rule
from netwright.verify.reading.formats.nft_values import SET_TYPES, read_elements
from netwright.verify.reading.formats.nft_words import MisreadRule, Word, Words
from netwright.verify.values.addresses import Range, merge
from netwright.verify.values.facts import Unknown
from netwright.verify.values.nftables import (
    CHAIN_TYPES,
    CONNTRACK_PRIORITY,
    POINTS,
    POLICIES,
    PRIORITIES,
    TABLE_FAMILIES,
    Chain,
    Hook,
    Ruleset,
    Table,
)

_HOOK = re.compile(r"type (filter|nat|route) hook (\w+) priority (?:(-?[0-9]+)|([a-z]+)(?: ([+-]) ?([0-9]+))?)")
_SET_FLAGS = re.compile(r"flags (?:constant|interval)(?: , (?:constant|interval))*|auto-merge|size [0-9]+")
_IDLE_BLOCK = re.compile(r"(?:chain \S+ \{ (?:type \w+ hook \w+ priority [\w+ -]+ ; policy accept ;)? ?\} )*\}")
"""A table that no packet notices: of chains without a rule, and without a policy but to accept."""
_OWN_PRIORITIES = {"dstnat": ("prerouting",), "srcnat": ("postrouting",)}
_TYPE_POINTS = {"nat": ("prerouting", "input", "output", "postrouting"), "route": ("output",), "filter": POINTS}


def read_nft(name: str, text: str, ruleset: Ruleset, *, listed: bool = False) -> None:
    """Runs the file's commands on the ruleset; `listed` is the text that `nft list ruleset` prints."""
    file = RulesetFile(name, text, ruleset, listed=listed)
    if "\r" in text:
        file.note_unknown((), f"{REFUSED}: its lines end in CR LF")
    while (word := file.skip_ends()) is not None:
        if word.text == "}":
            file.note_unknown((word,), f"{REFUSED}: a brace too many")
            file.place += 1
            continue
        is_rule = [one.text for one in file.words[file.place : file.place + 2]] in (["add", "rule"], ["insert", "rule"])
        statement = file.take_statement(block=not is_rule)
        if not statement:
            return
        if is_rule:
            _place_rule(file, statement)
        else:
            _run_command(file, statement)
    for table in () if listed else ruleset.tables.values():
        _check_targets(table, ruleset)
        ruleset.unknown += (one for one in refusals(table) if one not in ruleset.unknown)


def _run_command(file: RulesetFile, statement: tuple[Word, ...]) -> None:
    words = [f'"{word.text}"' if word.quoted else word.text for word in statement]
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
    if named[:1] == ["table"] and key[0] in TABLE_FAMILIES:
        file.check_name(statement[-1 - opens])
        table = tables.setdefault(key, Table(family=TABLE_FAMILIES[key[0]], name=key[1]))
        if opens:
            _read_table(file, table)
    elif len(named) == 4 and named[1] == "table" and named[0] in ("delete", "flush") and not opens:
        _empty_table(file, statement)
    elif words[:2] == ["flush", "chain"] and len(words) in (4, 5):
        _empty_chain(file, statement)
    else:
        block = file.skip_block() if opens else ""
        if not (file.listed and _IDLE_BLOCK.fullmatch(block)):
            file.note_unknown(statement, f"{MISREAD}: not a known command")


def _place_rule(file: RulesetFile, statement: tuple[Word, ...]) -> None:
    """Puts a rule at the end of a chain, or before all others: add rule [FAMILY] TABLE CHAIN RULE."""
    words = [word.text for word in statement]
    start = 3 if words[2:3] and words[2] in TABLE_FAMILIES else 2
    family = words[2] if start == 3 else "ip"
    table = file.ruleset.tables.get((family, words[start] if words[start:] else ""))
    chain = table.chains.get(words[start + 1]) if table is not None and words[start + 1 :] else None
    body = statement[start + 2 :]
    if table is None or chain is None or not body or body[0].text in ("position", "handle", "index"):
        file.note_unknown(statement, f"{MISREAD}: a rule for a chain that the files do not define")
        return
    rule = read_rule(body, file.origin(body[0]), table.sets)
    if rule.misread is not None:
        file.note_unknown(statement, f"{MISREAD}: {rule.misread}")
    chain.rules.insert(len(chain.rules) if words[0] == "add" else 0, rule)


def _empty_chain(file: RulesetFile, statement: tuple[Word, ...]) -> None:
    """Deletes the rules of a chain."""
    _, _, *family, name, chain = (word.text for word in statement)
    table = file.ruleset.tables.get((family[0] if family else "ip", name))
    if table is None or chain not in table.chains:
        file.note_unknown(statement, f"{MISREAD}: a chain that the files do not define")
    else:
        table.chains[chain].rules.clear()


def _empty_table(file: RulesetFile, statement: tuple[Word, ...]) -> None:
    """Deletes a table, or the rules of all its chains."""
    tables = file.ruleset.tables
    verb, _, family, name = (word.text for word in statement)
    if (family, name) not in tables:
        file.note_unknown(statement, f"{REFUSED}: at boot there is no such table yet; add it before")
    elif verb == "delete":
        del tables[family, name]
    else:
        for chain in tables[family, name].chains.values():
            chain.rules.clear()


def _read_table(file: RulesetFile, table: Table) -> None:
    while not file.close_block():
        statement = file.take_statement(block=True)
        words = [word.text for word in statement]
        opens = words[-1:] == ["{"]
        if len(words) == 3 and words[0] == "chain" and opens:
            file.check_name(statement[1])
            chain = table.chains.setdefault(words[1], Chain(name=words[1], origin=file.origin(statement[0])))
            _read_chain(file, table, chain)
        elif len(words) == 3 and words[0] == "set" and opens:
            file.check_name(statement[1])
            _read_set(file, table, statement)
        elif not _is_comment(statement):
            if opens:
                file.skip_block()
            file.note_unread(statement, f"{MISREAD}: not known in a table")


def _is_comment(statement: tuple[Word, ...]) -> bool:
    comment = [word.text for word in statement]
    return len(comment) == 2 and comment[0] == "comment" and len(comment[1].encode()) <= LONGEST_COMMENT


def _read_chain(file: RulesetFile, table: Table, chain: Chain) -> None:
    for statement in _statements(file):
        words = [word.text for word in statement]
        if words[:1] == ["type"]:
            _take_hook(file, chain, statement)
        elif words[:1] == ["policy"]:
            if chain.hook is not None and len(words) == 2 and words[1] in POLICIES:
                chain.hook = replace(chain.hook, policy=POLICIES[words[1]])
            else:
                file.note_unknown(statement, f"{MISREAD}: not a policy of a chain with a hook")
        elif not _is_comment(statement):
            rule = read_rule(statement, file.origin(statement[0]), table.sets, listed=file.listed)
            if rule.misread is not None:
                file.note_unread(statement, f"{MISREAD}: {rule.misread}")
            chain.rules.append(rule)
    chain.made = True


def _take_hook(file: RulesetFile, chain: Chain, statement: tuple[Word, ...]) -> None:
    hook = _read_hook(" ".join(word.text for word in statement), file.ruleset.count_hook())
    before = chain.hook
    if hook is None:
        file.note_unknown(statement, f"{MISREAD}: not a known hook")
    elif before is None and chain.made:
        file.note_unknown(statement, f"{REFUSED}: the chain stands above without a hook")
    elif before is not None and hook != replace(before, number=hook.number, policy=hook.policy):
        file.note_unknown(statement, f"{REFUSED}: the chain has another hook already")
    chain.hook = hook if before is None else before


def _read_hook(text: str, number: int) -> Hook | None:
    """The hook; None for what is not known of one, or is refused: address translation before connection tracking."""
    match = _HOOK.fullmatch(text)
    if match is None or match[2] not in _TYPE_POINTS[match[1]]:
        return None
    kind, point, plain, named, sign, shift = match.groups()
    if named is not None and (named not in PRIORITIES or point not in _OWN_PRIORITIES.get(named, POINTS)):
        return None
    priority = int(plain) if named is None else PRIORITIES[named] + int(f"{sign or ''}{shift or 0}")
    if priority == CONNTRACK_PRIORITY or (kind == "nat" and priority < CONNTRACK_PRIORITY):
        return None
    return Hook(kind=CHAIN_TYPES[kind], point=POINTS[point], priority=priority, policy="accept", number=number)


def _read_set(file: RulesetFile, table: Table, head: tuple[Word, ...]) -> None:
    """A named set of addresses or ports, filled once. It must stand before the rules that use it; those that use one
    that is listed and not known are not known either."""
    read = _SetBody()
    for statement in _statements(file):
        fault = read.take(statement)
        if fault:
            file.note_unread(statement, f"{MISREAD}: {fault}")
    kind, name, found = read.kind, head[1].text, read.found
    if file.listed:
        if read.is_whole and kind:
            table.sets[kind, name] = merge(found)
        return
    if not read.is_typed:
        file.note_unknown(head, f"{REFUSED}: a set without a type")
    if "interval" not in read.flags and any(first != last for first, last in found):
        file.note_unknown(head, f"{REFUSED}: networks and ranges need `flags interval`")
    if "interval" in read.flags and "auto-merge" not in read.flags and _overlap(found):
        file.note_unknown(head, f"{REFUSED}: ranges that overlap need `auto-merge`")
    if (kind, name) in table.sets:
        file.note_unknown(head, f"{MISREAD}: a set that is filled in two places")
    table.sets[kind, name] = merge(found)


class _SetBody:
    """The statements of a set: its type, flags and elements; it is `is_whole` where each of them is known."""

    def __init__(self) -> None:
        self.kind, self.is_typed, self.is_whole = "", False, True
        self.flags: set[str] = set()
        self.found: list[Range] = []

    def take(self, statement: tuple[Word, ...]) -> str:
        """Take a statement; return what of it is not known, "" for nothing."""
        reader = Words(statement)
        self.is_typed = self.is_typed or reader.peek() == "type"
        fault = self._read(reader, statement)
        if not fault and reader and not _is_comment(statement):
            fault = f"{reader.rest()} in a set"
        self.is_whole = self.is_whole and not fault
        return fault

    def _read(self, reader: Words, statement: tuple[Word, ...]) -> str:
        if reader.accept("type") and reader.peek() in SET_TYPES:
            self.kind = reader.take()
        elif self.kind and not self.found and reader.accept("elements", "=", "{"):
            try:
                self.found = read_elements(reader, SET_TYPES[self.kind])
            except (MisreadRule, IndexError) as misread:
                return f"in a set: {misread}"
        elif (known := reader.take_match(_SET_FLAGS)) is not None:
            self.flags.update(known.split())
        elif not _is_comment(statement):
            return "not known in a set"
        return ""


def _statements(file: RulesetFile) -> Iterator[tuple[Word, ...]]:
    """The statements up to the end of a block that has no block in it."""
    while not file.close_block():
        yield file.take_statement(block=False)


def _overlap(ranges: Iterable[Range]) -> bool:
    return any(following[0] <= one[1] for one, following in pairwise(sorted(ranges)))


def _check_targets(table: Table, ruleset: Ruleset) -> None:
    for chain in table.chains.values():
        for rule in chain.rules:
            for statement in rule.statements:
                if statement.chain is not None and statement.chain not in table.chains:
                    ruleset.unknown.append(
                        Unknown(origin=rule.origin, text=rule.text, reason=f"{REFUSED}: no such chain")
                    )
