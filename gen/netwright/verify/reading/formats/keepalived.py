"""keepalived.conf(5): the VRRP instances, as far as they decide who holds which address.

Each rule was seen with keepalived 2.2: what ends it, what it leaves out, and of repeated settings the last counts.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from netwright.verify.values.addresses import AddressNumber, parse_address, parse_number
from netwright.verify.values.facts import Origin, Unknown

KEEPALIVED = "/etc/keepalived/keepalived.conf"
_WORD = re.compile(r'"[^"]*"|[{}]|[^\s{}"]+')
_VARIABLE = re.compile(r"\s*(?:[@%~]|\$[A-Za-z_]\w*\s*=)")
_LARGEST_ID = 255
_USUAL_PRIORITY = 100


class VirtualAddress(Struct, frozen=True, kw_only=True):
    """An address that an instance adds to an interface while it is master."""

    ip: AddressNumber
    length: int
    interface: str
    origin: Origin


class Instance(Struct, frozen=True, kw_only=True):
    """A VRRP instance. `peers` are the IPs to which alone it sends, none for all of its segment; `announced` is the
    number of addresses that it tells of."""

    name: str
    interface: str
    router_id: int
    origin: Origin
    addresses: tuple[VirtualAddress, ...]
    announced: int
    peers: tuple[int, ...] = ()
    priority: int = _USUAL_PRIORITY
    interval: str = "1"
    version: str = "2"
    authentication: tuple[str, ...] = ()


class _Block(Struct):
    """A block in braces, or the whole file: its head, its lines and the blocks in it."""

    head: list[str]
    line: int
    lines: list[tuple[int, list[str]]] = field(default_factory=list)
    blocks: list["_Block"] = field(default_factory=list)

    def value(self, key: str) -> str | None:
        """The last value of a key."""
        found = [words[1] for _, words in self.lines if len(words) > 1 and words[0] == key]
        return found[-1] if found else None

    def inner(self, name: str) -> Iterator["_Block"]:
        """The blocks of a name."""
        return (block for block in self.blocks if block.head[:1] == [name])


def read_keepalived(file: str, text: str, unknown: list[Unknown]) -> tuple[Instance, ...]:
    """The file's instances; adds to `unknown` what ends keepalived, or what it makes of a line that is not read."""
    if "vrrp_instance" not in text:
        return ()
    for number, line in enumerate(text.split("\n"), start=1):
        if _VARIABLE.match(line):
            _puzzle(unknown, file, number, line.strip(), "definitions and conditions of keepalived's are not read")
    whole = _read_blocks(text)
    if whole is None:
        _puzzle(unknown, file, 0, "", "keepalived leaves out what it does not understand: the braces do not match")
        return ()
    version = next((one for block in whole.inner("global_defs") if (one := block.value("vrrp_version"))), "2")
    found: dict[str, Instance] = {}
    for block in whole.inner("vrrp_instance"):
        name = block.head[1] if len(block.head) > 1 else ""
        instance = _read_instance(file, block, name, version, unknown)
        if name in found:
            _puzzle(unknown, file, block.line, name, "keepalived leaves out a second instance of the same name")
        elif instance is not None:
            found[name] = instance
    return tuple(found.values())


def _puzzle(unknown: list[Unknown], file: str, line: int, text: str, reason: str) -> None:
    unknown.append(Unknown(origin=Origin(file=file, line=line), text=text, reason=reason))


def _read_blocks(text: str) -> _Block | None:
    """The file as blocks, None where its braces do not match."""
    stack = [_Block(head=[], line=1)]
    for number, line in enumerate(text.split("\n"), start=1):
        words: list[str] = []
        for word in _WORD.findall(re.sub(r"(?:^|(?<=\s))[#!].*", "", line)):
            if word == "{":
                head = words or (stack[-1].lines.pop()[1] if stack[-1].lines else [])
                stack.append(_Block(head=head, line=number))
                words = []
            elif word == "}":
                if len(stack) == 1:
                    return None
                if words:
                    stack[-1].lines.append((number, words))
                words = []
                stack[-2].blocks.append(stack.pop())
            else:
                words.append(word.strip('"'))
        if words:
            stack[-1].lines.append((number, words))
    return stack[0] if len(stack) == 1 else None


def _read_instance(file: str, block: _Block, name: str, version: str, unknown: list[Unknown]) -> Instance | None:
    """The instance, None where keepalived ends for want of what it needs."""
    interface, said = block.value("interface"), block.value("virtual_router_id")
    router_id = parse_number(said or "", _LARGEST_ID)
    if interface is None or not router_id:
        reason = "no interface" if interface is None else f"virtual_router_id must be 1 to {_LARGEST_ID}"
        _puzzle(
            unknown, file, block.line, name, f"keepalived ends with an error, and nothing holds its addresses: {reason}"
        )
        return None
    announced = [*_read_addresses(file, block, "virtual_ipaddress", interface, unknown)]
    excluded = _read_addresses(file, block, "virtual_ipaddress_excluded", interface, unknown)
    peers = [parse_address(f"{words[0]}/32") for one in block.inner("unicast_peer") for _, words in one.lines]
    secrets = [one.value(key) or "" for one in block.inner("authentication") for key in ("auth_type", "auth_pass")]
    return Instance(
        name=name,
        interface=interface,
        router_id=router_id,
        origin=Origin(file=file, line=block.line),
        addresses=(*announced, *excluded),
        announced=len(announced),
        peers=tuple(peer[0] for peer in peers if peer is not None),
        priority=parse_number(block.value("priority") or "", _LARGEST_ID) or _USUAL_PRIORITY,
        interval=block.value("advert_int") or "1",
        version=block.value("version") or version,
        authentication=tuple(secrets),
    )


def _read_addresses(
    file: str, block: _Block, name: str, interface: str, unknown: list[Unknown]
) -> Iterator[VirtualAddress]:
    """The IPv4 addresses of a block: IP[/LENGTH] [dev IF] and what does not matter here."""
    for inner in block.inner(name):
        for number, words in inner.lines:
            address = parse_address(words[0] if "/" in words[0] else f"{words[0]}/32")
            if address is not None:
                origin = Origin(file=file, line=number)
                card = _behind(words, "dev") or interface
                yield VirtualAddress(ip=address[0], length=address[1], interface=card, origin=origin)
            elif ":" not in words[0]:
                _puzzle(unknown, file, number, " ".join(words), "keepalived leaves out what is no address")


def _behind(words: Sequence[str], key: str) -> str | None:
    """The word behind a key."""
    return words[words.index(key) + 1] if key in words[:-1] else None
