"""Texts and mappings of the document -> single values of the model."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from netaddr import IPAddress, IPNetwork

from netwright.model import End, NextHop, TimeServer, Traffic
from netwright.text.report import Diagnostic, Severity
from netwright.text.source import TopologyPath

_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP = re.compile(rf"{_OCTET}(\.{_OCTET}){{3}}", re.ASCII)
_CIDR = re.compile(rf"{_OCTET}(\.{_OCTET}){{3}}/(3[0-2]|[12]?[0-9])", re.ASCII)
_NUMERIC = re.compile(r"[0-9]+(\.[0-9]+)+(/[0-9]*)?|[0-9.]+/.*", re.ASCII)


@lru_cache(maxsize=65536)
def read_ip(text: str) -> IPAddress:
    """An address from a text that the schema's `ip` pattern matches."""
    return IPAddress(text)


@lru_cache(maxsize=65536)
def read_network(text: str) -> IPNetwork:
    """A network from a text that the schema's `cidr` pattern matches; host bits are kept."""
    return IPNetwork(text)


@lru_cache(maxsize=4096)
def read_traffic(text: str) -> Traffic:
    """The traffic that one word such as tcp/8080, udp/8000-8100, icmp or any stands for."""
    protocol, _, ports = text.partition("/")
    if protocol == "any":
        return Traffic(protocol=None, ports=None)
    if not ports:
        return Traffic(protocol=protocol, ports=None)
    first, _, last = ports.partition("-")
    return Traffic(protocol=protocol, ports=(int(first), int(last or first)))


class Values(Struct, frozen=True):
    """Reads values and keeps what it finds wrong with them: what no pattern of the schema can judge."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(self, path: TopologyPath, rule: str, message: str) -> None:
        """Note an error."""
        self.diagnostics.append(Diagnostic(severity=Severity.ERROR, path=path, rule=rule, message=message))

    def network(self, text: str, path: TopologyPath) -> IPNetwork:
        """A network; host bits set in it are an error that names the network meant."""
        network = read_network(text)
        if network.value == network.first:
            return network
        self.error(path, "network_has_no_host_bits", f"{text} has host bits set; the network is {network.cidr}")
        return network.cidr

    def networks(self, texts: Sequence[str], path: TopologyPath) -> tuple[IPNetwork, ...]:
        """A network for each text of a list."""
        return tuple(self.network(text, (*path, number)) for number, text in enumerate(texts))

    def end(self, text: str, path: TopologyPath) -> End:
        """One end of a flow, rule or route: a name, an address (as a network of one) or a network."""
        network = None
        if _CIDR.fullmatch(text):
            network = self.network(text, path)
        elif _IP.fullmatch(text):
            network = read_network(f"{text}/32")
        elif _NUMERIC.fullmatch(text):
            self.error(path, "address_is_canonical", f"{text} is no address; write it as 10.17.4.21 or 10.17.4.0/24")
            network = read_network("0.0.0.0/32")
        return End(text=text, network=network, cause=path)

    def ends(self, value: str | Sequence[str] | None, path: TopologyPath) -> tuple[End, ...]:
        """The ends that a text or a list of texts names; none if it is absent."""
        if value is None:
            return ()
        if isinstance(value, str):
            return (self.end(value, path),)
        return tuple(self.end(text, (*path, number)) for number, text in enumerate(value))

    def next_hop(self, text: str, path: TopologyPath) -> NextHop:
        """A next hop: a node's name or an address."""
        if _IP.fullmatch(text):
            return NextHop(text=text, ip=read_ip(text))
        if _NUMERIC.fullmatch(text):
            self.error(path, "address_is_canonical", f"{text} is no address; write it as 10.17.4.21, or name a node")
            return NextHop(text=text, ip=read_ip("0.0.0.0"))  # noqa: S104 (a stand-in behind an error, never bound)
        return NextHop(text=text, ip=None)

    def time_servers(self, texts: Sequence[str], path: TopologyPath) -> tuple[TimeServer, ...]:
        """The time servers of a list; what looks like an address and is none is an error."""
        hops = [self.next_hop(text, (*path, number)) for number, text in enumerate(texts)]
        return tuple(TimeServer(text=hop.text, ip=hop.ip, cause=(*path, number)) for number, hop in enumerate(hops))

    def traffic(self, value: str | Sequence[str], path: TopologyPath) -> tuple[Traffic, ...]:
        """The traffic that a word or a list of words stands for, without repetition."""
        texts = (value,) if isinstance(value, str) else tuple(value)
        read = tuple(dict.fromkeys(read_traffic(text) for text in texts))
        for text, traffic in zip(texts, (read_traffic(text) for text in texts), strict=True):
            if traffic.ports and not 1 <= traffic.ports[0] <= traffic.ports[1] <= 65535:
                self.error(path, "ports_are_a_range", f"{text} is no range of ports; ports are 1 to 65535, low-high")
        return read


def one_or_more(value: Any) -> tuple[Any, ...]:
    """A single value or a list of them, as a tuple."""
    return tuple(value) if isinstance(value, list) else (value,)
