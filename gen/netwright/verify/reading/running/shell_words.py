"""Words of a shell: quotes, variables, arithmetic and braces."""

import re
from collections.abc import Iterable

from msgspec import field

from netwright.verify.reading.running.paths import GLOB, UNSURE
from netwright.verify.reading.running.shell_text import ShellText

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=)(.*)", re.DOTALL)
_LONGEST_BRACES = 200
_SETTING = frozenset({"export", "readonly"})
_DECLARING = _SETTING | {"declare", "typeset", "local", "read", "unset", "getopts", "mapfile", "readarray", "let"}


class WordReader(ShellText):
    """Reader of words; `known` are the variables with one value, or None."""

    known: dict[str, str | None] = field(default_factory=dict)

    def substitute(self, text: str) -> str:
        """Return what the output of commands in a word may be."""
        raise NotImplementedError

    def note_variables(self, program: str, assignments: Iterable[str], *, sure: bool) -> None:
        """A name that is given one value only, before it is used, has that value."""
        if program in (".", "source", "eval"):
            self.known = dict.fromkeys(self.known)
        if program not in _DECLARING:
            return
        for one in assignments:
            found = ASSIGNMENT.fullmatch(one)
            name = found[1] if found is not None else one
            is_known = found is not None and found[2] == "=" and UNSURE not in found[3] and program in _SETTING
            self.known[name] = found[3] if found and is_known and sure and name not in self.known else None

    def word(self) -> tuple[str, bool]:
        """The word at the place, and whether a part of it is quoted."""
        text, quoted = "", False
        while self.place < len(self.text):
            mark = self.text[self.place]
            if mark in " \t\r\n;&|<>()":
                if mark in "<>" and text and self.text.startswith("(", self.place + 1):
                    raise self.fail()
                break
            if mark == "\\":
                continued = self.text.startswith("\\\n", self.place)
                text += "" if continued else self.text[self.place + 1 : self.place + 2]
                self.line += continued
                self.place += 2
                quoted |= not continued
            elif mark == "'":
                text += self.until("'")
                quoted = True
            elif mark == '"':
                text += self._double_quoted()
                quoted = True
            elif mark == "$":
                text += self.dollar()
            elif mark == "`":
                text += self.backquoted()
            elif mark in "*?[" and not (mark == "[" and not text):
                text += GLOB if mark in "*?" else mark
                self.place += 1
            else:
                text += mark
                self.place += 1
        if not quoted and BRACES.search(text):
            text = UNSURE + text  # they expand to several words
        return text, quoted

    def _double_quoted(self) -> str:
        self.place += 1
        text = ""
        while self.place < len(self.text):
            mark = self.text[self.place]
            if mark == '"':
                self.place += 1
                return text
            if mark == "\\" and self.text[self.place + 1 : self.place + 2] in ('"', "\\", "$", "`", "\n"):
                text += self.text[self.place + 1].strip("\n")
                self.line += self.text[self.place + 1] == "\n"
                self.place += 2
            elif mark == "$":
                text += self.dollar()
            elif mark == "`":
                text += self.backquoted()
            else:
                text += mark
                self.line += mark == "\n"
                self.place += 1
        raise self.fail()

    def dollar(self) -> str:
        after = self.text[self.place + 1 : self.place + 2]
        if self.text.startswith("$((", self.place):
            return self._arithmetic()
        if after == "(":
            return self.substitute(self.enclosed())
        if after == "{":
            return self._braced()
        if after == "'":
            self.place += 1
            if "\\'" in self.until("'"):
                raise self.fail()
            return UNSURE
        if after == '"':
            self.place += 1
            return self._double_quoted()
        found = NAME.match(self.text, self.place + 1)
        if found is not None:
            self.place = found.end()
            return self._value(found[0])
        if after and after in "@*#?$!-0123456789":
            self.place += 2
            return UNSURE
        self.place += 1
        return "$"

    def _braced(self) -> str:
        end = self.text.find("}", self.place)
        inside = self.text[self.place + 2 : end]
        if end < 0 or not {"`", "{", "=", "\n", "'", '"', "\\"}.isdisjoint(inside) or "$(" in inside:
            raise self.fail()
        self.place = end + 1
        return self._value(inside) if NAME.fullmatch(inside) else UNSURE

    def _value(self, name: str) -> str:
        value = self.known.get(name)
        return UNSURE if value is None else value

    def _arithmetic(self) -> str:
        end = self.text.find("))", self.place)
        inside = self.text[self.place + 3 : end]
        if end < 0 or "$(" in inside or "`" in inside:
            raise self.fail()
        self.place = end + 2
        return GLOB

    def backquoted(self) -> str:
        return self.substitute(self.until("`"))


BRACES = re.compile(r"(?<!\$)\{([^{}]*,[^{}]*)\}")


def expand_braces(word: str) -> list[str]:
    """The words that one with braces stands for: a{b,c} for ab and ac."""
    found = BRACES.search(word)
    if found is None or len(word) > _LONGEST_BRACES:
        return [word if found is None else UNSURE]
    parts = (word[: found.start()] + part + word[found.end() :] for part in found[1].split(","))
    return [whole for part in parts for whole in expand_braces(part)]


def quoted_name(text: str, start: int) -> bool:
    """Return whether a word that looks like an assignment has its name in quotes, and so is none."""
    return text[start : start + 1] in ("'", '"', "\\")
