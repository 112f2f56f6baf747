"""haproxy.cfg: where HAProxy listens, and to which servers it leads (its Configuration Manual, "bind", "server")."""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from netwright.verify.values.addresses import AddressNumber, parse_ip, parse_number
from netwright.verify.values.facts import Origin

HAPROXY = "/etc/haproxy/haproxy.cfg"
_SECTIONS = re.compile(
    r"global|defaults|frontend|backend|listen|userlist|peers|mailers|resolvers|cache|program|http-errors|ring|log-forward|"
    r"fcgi-app|crt-store|traces"
)
_PROXIES = frozenset({"frontend", "backend", "listen"})
_ADDRESS = re.compile(r"(?:ipv4@)?(?P<ip>[\d.]+|\*|):(?P<first>\d+)(?:-(?P<last>\d+))?")
_LARGEST_PORT = 65535


class Listener(Struct, frozen=True, kw_only=True):
    """An address and its ports, first and last, at which HAProxy listens; no address stands for all."""

    ip: AddressNumber | None
    ports: tuple[int, int]
    origin: Origin


class Server(Struct, frozen=True, kw_only=True):
    """A server of a backend; its port is that of the client's connection where none is given."""

    name: str
    ip: AddressNumber
    port: int | None
    origin: Origin


class Proxy(Struct, kw_only=True):
    """A frontend, backend, or both (listen): what it listens at, its servers, and the backends that it may use."""

    name: str
    listeners: list[Listener] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)


class Balancer(Struct, frozen=True, kw_only=True):
    """What haproxy.cfg says. `leads` are the servers behind each listener."""

    proxies: tuple[Proxy, ...]

    def leads(self) -> Iterator[tuple[Listener, tuple[Server, ...]]]:
        """Yield every listener with the servers to which it may lead."""
        named = {proxy.name: proxy for proxy in self.proxies if proxy.servers}
        for proxy in self.proxies:
            servers = [*proxy.servers, *(one for name in proxy.uses if name in named for one in named[name].servers)]
            yield from ((listener, tuple(dict.fromkeys(servers))) for listener in proxy.listeners)


def read_haproxy(file: str, text: str) -> Balancer:
    """The file's proxies. What names no IPv4 address (a host name, a socket, a variable) is left out."""
    proxies: list[Proxy] = []
    current: Proxy | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        words = re.sub(r"(?<!\\)#.*", "", line).split()
        if not words:
            continue
        if _SECTIONS.fullmatch(words[0]):
            current = Proxy(name=words[1]) if words[0] in _PROXIES and len(words) > 1 else None
            proxies += [current] if current is not None else []
        elif current is not None:
            _read_line(current, words, Origin(file=file, line=number))
    return Balancer(proxies=tuple(proxies))


def _read_line(proxy: Proxy, words: Sequence[str], origin: Origin) -> None:
    match words:
        case ["bind", addresses, *_]:
            proxy.listeners += _listeners(addresses, origin)
        case ["server", name, address, *_]:
            ip, _, port = address.removeprefix("ipv4@").partition(":")
            number = parse_ip(ip)
            if number is not None:
                proxy.servers.append(
                    Server(name=name, ip=number, port=parse_number(port, _LARGEST_PORT), origin=origin)
                )
        case ["default_backend" | "use_backend", name, *_]:
            proxy.uses.append(name)
        case _:
            pass


def _listeners(addresses: str, origin: Origin) -> Iterator[Listener]:
    for address in addresses.split(","):
        found = _ADDRESS.fullmatch(address)
        if found is not None:
            first = int(found["first"])
            yield Listener(ip=parse_ip(found["ip"]), ports=(first, int(found["last"] or first)), origin=origin)
