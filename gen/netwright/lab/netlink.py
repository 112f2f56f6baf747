"""The kernel's own word, asked over netlink: what its packet filter does with packets, and its routing decisions."""

import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Iterator

from msgspec import Struct

from netwright.lab.namespaces import LabError

# linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h, linux/rtnetlink.h
_NETLINK_ROUTE, _NETLINK_NETFILTER = 0, 12
_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTRACE = 270, 1, 9
_SO_RCVBUFFORCE, _ROOM = 33, 64 << 20
_MSG_TRACE = (10 << 8) | 17
_TABLE, _CHAIN, _HANDLE, _TYPE, _VERDICT, _ID = 1, 2, 3, 4, 5, 6
_NETWORK_HEADER, _TRANSPORT_HEADER, _IIF, _OIF, _POLICY = 8, 9, 10, 12, 16
_TYPE_POLICY, _TYPE_RULE, _DROP = 1, 3, 0
_GETROUTE, _NEWROUTE, _ERROR, _REQUEST = 26, 24, 2, 1
_RTA_DST, _RTA_SRC, _RTA_IIF, _RTA_OIF, _RTA_GATEWAY = 1, 2, 3, 4, 5
_HEADER, _GENERIC, _RTMSG = struct.Struct("=IHHII"), struct.Struct("!BBH"), struct.Struct("=BBBBBBBBI")
_MASK = 0x3FFF  # without the bits that mean nested, and in network order


class TraceEvent(Struct, frozen=True, kw_only=True):
    """Action of one chain on a packet: `handle` is the number of the rule that matched, 0 where the policy decided.

    A chain's first event holds the packet's headers, and the numbers of the interfaces.
    """

    id: int
    table: str
    chain: str
    handle: int
    drops: bool
    header: bytes
    transport: bytes
    incoming: int
    outgoing: int


def _attributes(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & _MASK] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def open_trace() -> socket.socket:
    """A socket that hears of every traced packet in this thread's network namespace."""
    heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    heard.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
    heard.bind((0, 0))
    heard.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTRACE)
    heard.setblocking(False)
    return heard


def read_trace(heard: socket.socket) -> Iterator[TraceEvent]:
    """Return the events since the last call. Raises LabError if there were more than the socket holds."""
    while True:
        try:
            data = heard.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            raise LabError("the kernel traced more packets than can be read") from error
        for kind, body in _messages(data):
            if kind == _MSG_TRACE:
                yield _event(_attributes(body[_GENERIC.size :]))


def _event(attributes: dict[int, bytes]) -> TraceEvent:
    kind = _number(attributes.get(_TYPE))
    verdict = _number(_attributes(attributes.get(_VERDICT, b"")).get(1), default=1)
    return TraceEvent(
        id=_number(attributes.get(_ID)),
        table=_text(attributes.get(_TABLE)),
        chain=_text(attributes.get(_CHAIN)),
        handle=_number(attributes.get(_HANDLE)) if kind == _TYPE_RULE else 0,
        drops=(kind == _TYPE_RULE and verdict == _DROP)
        or (kind == _TYPE_POLICY and _number(attributes.get(_POLICY), default=1) == _DROP),
        header=attributes.get(_NETWORK_HEADER, b""),
        transport=attributes.get(_TRANSPORT_HEADER, b""),
        incoming=_number(attributes.get(_IIF)),
        outgoing=_number(attributes.get(_OIF)),
    )


def _number(data: bytes | None, default: int = 0) -> int:
    return int.from_bytes(data, "big") if data else default


def _text(data: bytes | None) -> str:
    return (data or b"").rstrip(b"\0").decode()


class RouteAnswer(Struct, frozen=True, kw_only=True):
    """The kernel's routing decision: an error number, or where the packet would go by."""

    error: int = 0
    interface: int = 0
    gateway: int | None = None


def ask_route(source: int, destination: int, incoming: int = 0) -> RouteAnswer:
    """The decision of this thread's namespace for a packet that comes in by an interface, or is the machine's own."""
    body = _RTMSG.pack(socket.AF_INET, 32, 32, 0, 0, 0, 0, 0, 0)
    body += struct.pack("=HH", 8, _RTA_DST) + destination.to_bytes(4, "big")
    body += struct.pack("=HH", 8, _RTA_SRC) + source.to_bytes(4, "big")
    if incoming:
        body += struct.pack("=HHI", 8, _RTA_IIF, incoming)
    with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE)) as asked:
        asked.bind((0, 0))
        asked.send(_HEADER.pack(_HEADER.size + len(body), _GETROUTE, _REQUEST, 1, 0) + body)
        for kind, payload in _messages(asked.recv(65536)):
            if kind == _ERROR:
                return RouteAnswer(error=-struct.unpack_from("=i", payload)[0])
            if kind == _NEWROUTE:
                found = _attributes(payload[_RTMSG.size :])
                gateway = found.get(_RTA_GATEWAY)
                return RouteAnswer(
                    interface=int.from_bytes(found.get(_RTA_OIF, b""), sys.byteorder),
                    gateway=int.from_bytes(gateway, "big") if gateway else None,
                )
    raise LabError("the kernel gives no answer about a route")
