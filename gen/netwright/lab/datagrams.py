"""Packets of protocols for which Linux has no plain sockets: SCTP's handshake, and GRE, ESP, AH and VRRP with a number.

Each is a question or its answer. GRE's header has no flags, so that connection tracking takes it for any protocol;
SCTP's chunks and checksums are real (RFC 9260), as it looks at them.
"""

import struct
from functools import cache

from netwright.verify.values.packets import PROTOCOLS, SCTP

DATAGRAMS = tuple(number for name, number in PROTOCOLS.items() if name not in ("icmp", "tcp", "udp"))
"""The protocols."""
_PLAIN = struct.Struct("!HHHH")  # no flags of GRE, the number, question or answer, nothing
_SCTP = struct.Struct("!HHII")  # source port, destination port, verification tag, checksum
_CHUNK = struct.Struct("!BBHIIHHI")  # type, flags, length, initiate tag, window, streams out and in, first TSN
_INIT, _INIT_ACK = 1, 2


def encode(protocol: int, number: int, port: int, *, answer: bool) -> bytes:
    """The packet behind its IP header; the number tells its conversation, and is SCTP's port at the caller."""
    if protocol != SCTP:
        return _PLAIN.pack(0, number, int(answer), 0)
    ports, tag = ((port, number), number) if answer else ((number, port), 0)
    chunk = _CHUNK.pack(_INIT_ACK if answer else _INIT, 0, _CHUNK.size, number, 65535, 1, 1, number)
    checksum = struct.unpack("<I", struct.pack(">I", _crc32c(_SCTP.pack(*ports, tag, 0) + chunk)))[0]
    return _SCTP.pack(*ports, tag, checksum) + chunk


def answer_to(protocol: int, packet: bytes) -> bytes | None:
    """The answer to a question, None to anything else."""
    found = decode(protocol, packet)
    if found is None or found[1]:
        return None
    port = _SCTP.unpack_from(packet)[1] if protocol == SCTP else 0
    return encode(protocol, found[0], port, answer=True)


def decode(protocol: int, packet: bytes) -> tuple[int, bool] | None:
    """The number of the conversation, and whether the packet answers; None if it is another's."""
    if protocol != SCTP:
        if len(packet) < _PLAIN.size:
            return None
        _, number, answer, _ = _PLAIN.unpack_from(packet)
        return number, bool(answer)
    if len(packet) <= _SCTP.size:
        return None
    source, destination, _, _ = _SCTP.unpack_from(packet)
    kind = packet[_SCTP.size]
    return {_INIT: (source, False), _INIT_ACK: (destination, True)}.get(kind)


def _crc32c(data: bytes) -> int:
    """The checksum of Castagnoli (RFC 9260, appendix A)."""
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum = (checksum >> 8) ^ _table()[(checksum ^ byte) & 255]
    return checksum ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    return tuple(_shift(value, 8) for value in range(256))


def _shift(value: int, bits: int) -> int:
    return _shift((value >> 1) ^ (0x82F63B78 if value & 1 else 0), bits - 1) if bits else value
