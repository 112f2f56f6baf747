"""Records of machines, as the script of `netwright collect` prints them: facts by name.

A line is NAME, tab, standard output, tab, standard error with the exit status behind it, both in base64. Everything in
it is the machine's word, and the machine may be hostile: nothing is taken for more than data, and sizes are bounded.
"""

import base64
import binascii
import re

from msgspec import Struct

FORMAT = "1"
"""The version of records that the script writes and that is read here."""
SUFFIX = ".facts"
"""How the name of a record ends in a directory of records, behind the node's."""
MOST_OCTETS = 96 * 1024 * 1024
"""Octets of a record that are read."""
_LINE = re.compile(rb"([a-z][a-z0-9-]{0,63})\t([A-Za-z0-9+/=]*)\t([A-Za-z0-9+/=]*)")
_MOST_FACTS = 200
_NOT_FOUND, _ENDED, _CUT_OFF = 127, (124, 137), 141
_LONGEST_COMPLAINT = 300


class RecordError(ValueError):
    """Text that is no record of a machine, with the reason in words."""


class Fact(Struct, frozen=True, kw_only=True):
    """What a command on the machine printed, and with which exit status it ended."""

    output: bytes
    complaint: str
    status: int | None

    @property
    def is_missing(self) -> bool:
        """Return whether the machine has no such program."""
        return self.status == _NOT_FOUND

    @property
    def fault(self) -> str | None:
        """The reason for which the output may not be taken for whole, None without one."""
        if self.status == 0:
            return None
        if self.status in _ENDED:
            return "the command took too long and was ended"
        if self.status == _CUT_OFF:
            return "the output was too large and was cut off"
        return self.complaint or f"the command ended with status {self.status}"


def read_record(content: bytes) -> dict[str, Fact]:
    """Return the facts of a record by name. Raises RecordError for anything else, a part of a record included."""
    if len(content) > MOST_OCTETS:
        raise RecordError(f"is larger than {MOST_OCTETS // 1024 // 1024} MiB, the most that a record may have")
    facts: dict[str, Fact] = {}
    # A login shell's greeting may stand before the record.
    _, begin, body = b"\n".join((b"", content)).rpartition(b"\nformat\t")
    if not begin:
        raise RecordError("is no record of a machine; one is printed there by the script of netwright collect")
    for number, line in enumerate((b"format\t" + body).splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or number > _MOST_FACTS:
            raise RecordError(f"is damaged at its fact {number}; collect it again")
        facts[match[1].decode()] = _fact(number, match[2], match[3])
        if match[1] == b"end":
            break
    _check_format(facts)
    return facts


def _check_format(facts: dict[str, Fact]) -> None:
    version = facts["format"].output.decode(errors="replace").strip()
    if version != FORMAT:
        raise RecordError(f"has format {version[:20]!r}, not {FORMAT}; collect it again with this netwright's script")
    if "end" not in facts:
        raise RecordError("ends before its last fact; collect it again")


def _fact(number: int, output: bytes, rest: bytes) -> Fact:
    try:
        printed, said = (base64.b64decode(text, validate=True) for text in (output, rest))
    except binascii.Error:
        raise RecordError(f"is damaged at its fact {number}; collect it again") from None
    complaint, _, status = said.decode(errors="replace").rpartition(" ")
    lines = complaint.strip().splitlines()
    return Fact(
        output=printed,
        complaint=lines[-1][:_LONGEST_COMPLAINT] if lines else "",
        status=int(status) if re.fullmatch(r"[0-9]{1,3}", status.strip()) else None,
    )
