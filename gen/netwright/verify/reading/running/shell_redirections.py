"""Redirections of a shell, here-documents among them."""

import re

from msgspec import field

from netwright.verify.reading.running.shell_command import Redirection
from netwright.verify.reading.running.shell_words import WordReader

_REDIRECTION = re.compile(r"(\d*|&)(>>|>\||>&|>|<<-|<<<|<<|<&|<>|<)")


class RedirectionReader(WordReader):
    """Reader of redirections; `bodies` are the here-documents that begin on the next line."""

    redirections: list[Redirection] = field(default_factory=list)
    bodies: dict[int, str] = field(default_factory=dict)

    def redirect(self) -> bool:
        """Take a redirection; False where none is."""
        found = _REDIRECTION.match(self.text, self.place)
        if found is None or (found[1] == "&" and not found[2].startswith(">")):
            return False
        self._redirect(found)
        return True

    def _redirect(self, found: re.Match[str]) -> None:
        self.place = found.end()
        operator = found[2]
        self.skip_blanks()
        target, quoted = self.word()
        if not target:
            raise self.fail()
        if operator in ("<<", "<<-"):
            self.redirections.append(Redirection(operator="<<", target=self._body(target, operator, quoted)))
            return
        if operator in (">&", "<&") and (target.isdigit() or target == "-"):
            return
        self.redirections.append(Redirection(operator="<<" if operator == "<<<" else operator, target=target))

    def _body(self, delimiter: str, operator: str, quoted: bool) -> str:
        """The text of a here-document, which begins on the next line behind those that wait before it."""
        start = self.text.find("\n", self.place)
        if self.bodies:
            raise self.fail()  # two on one line
        lines = self.text[start + 1 :].split("\n") if start >= 0 else []
        for number, line in enumerate(lines):
            if (line.lstrip("\t") if operator == "<<-" else line) == delimiter:
                body = "\n".join(lines[:number])
                self.bodies[start] = "\n".join(lines[: number + 1])
                return body if quoted else self._expand(body)
        raise self.fail()

    def read_bodies(self) -> None:
        """Steps over the here-document that began on the line before."""
        body = self.bodies.pop(self.place - 1, None)
        if body is not None:
            self.line += body.count("\n") + 1
            self.place = min(self.place + len(body) + 1, len(self.text))

    def _expand(self, body: str) -> str:
        """The text of a here-document with what its variables and commands stand for."""
        inner = type(self)(body, line=self.line + 1, depth=self.depth, known=self.known)
        text = ""
        while inner.place < len(body):
            mark = body[inner.place]
            if mark == "\\":
                text += body[inner.place + 1 : inner.place + 2]
                inner.place += 2
            elif mark in "$`":
                text += inner.dollar() if mark == "$" else inner.backquoted()
            else:
                text += mark
                inner.line += mark == "\n"
                inner.place += 1
        self.commands += inner.commands
        return text
