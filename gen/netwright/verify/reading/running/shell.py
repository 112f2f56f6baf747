"""Shell text -> the commands in it (POSIX shell, with bash's most usual words).

Conservative: what is not understood raises NotUnderstood; nothing is skipped.
"""

import re
from collections.abc import Sequence

from msgspec import Struct, field

from netwright.verify.reading.running.paths import GLOB, UNSURE

_DEEPEST = 16
_LONGEST_BRACES = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=)(.*)", re.DOTALL)
_REDIRECTION = re.compile(r"(\d*|&)(>>|>\||>&|>|<<-|<<<|<<|<&|<>|<)")
_OPERATORS = (";;&", ";;", ";&", "&&", "||", "|&", ";", "&", "|", "(", ")", "\n")
_OPENING = frozenset({"if", "then", "elif", "else", "while", "until", "do", "{", "!", "time"})
_BLOCKS = frozenset({"if", "while", "until"})
_SETTING = frozenset({"export", "readonly"})
_DECLARING = _SETTING | {"declare", "typeset", "local", "read", "unset", "getopts", "mapfile", "readarray", "let"}
_SLASHLESS = frozenset({"date", "hostname", "uname", "whoami", "nproc", "id", "wc", "hostnamectl", "arch"})
"""Commands whose output, in a name of a file, leads nowhere else."""


class NotUnderstood(Exception):  # noqa: N818
    """A text that is not understood, from a line on."""

    def __init__(self, line: int, text: str) -> None:
        """Takes where."""
        super().__init__(text)
        self.line = line
        self.text = text


class Redirection(Struct, frozen=True, kw_only=True):
    """`<` or `>` with its file; `<<` with the text itself."""

    operator: str
    target: str


class ShellCommand(Struct, frozen=True, kw_only=True):
    """One simple command: its words, what is assigned for it alone, redirections, and its line.

    `sure` means that it runs whenever the text does.
    """

    words: tuple[str, ...]
    assigned: tuple[str, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    line: int = 1
    sure: bool = True


def read_commands(text: str, *, line: int = 1, depth: int = 0) -> tuple[ShellCommand, ...]:
    """The commands of the text in order, those of functions and substitutions among them. Raises NotUnderstood."""
    if depth > _DEEPEST:
        raise NotUnderstood(line, text[:80])
    reader = _Reader(text, line=line, depth=depth)
    reader.read()
    return tuple(reader.commands)


def may_end(text: str) -> bool:
    """Return whether some command of the text may keep those after it from running; text not understood may."""
    try:
        return any(_may_end(command.words) for command in read_commands(text))
    except NotUnderstood:
        return True


def _may_end(words: Sequence[str]) -> bool:
    """Return whether the shell may stop here, or with whatever fails from here on (set -e)."""
    program, arguments = (words[0], words[1:]) if words else ("", ())
    if program == "set":
        return any(re.fullmatch(r"-[a-z]*e[a-z]*|errexit", word) for word in arguments)
    return program in ("exit", "return") or (program == "exec" and len(arguments) > 0)


class _Reader(Struct):
    """The place in a text, and the commands found so far; `known` are the variables with one value, or None."""

    text: str
    line: int
    depth: int
    place: int = 0
    commands: list[ShellCommand] = field(default_factory=list)
    known: dict[str, str | None] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    bodies: dict[int, str] = field(default_factory=dict)
    _words: list[str] = field(default_factory=list)
    _assigned: list[str] = field(default_factory=list)
    _redirections: list[Redirection] = field(default_factory=list)
    _sure: bool = True
    _ended: bool = False

    def fail(self) -> NotUnderstood:
        """The exception for the line at hand."""
        start = self.text.rfind("\n", 0, self.place) + 1
        return NotUnderstood(self.line, self.text[start:].partition("\n")[0].strip()[:120])

    def read(self) -> None:
        while self.place < len(self.text):
            self._step()
        self._finish(";")
        if self.blocks or self.bodies:
            raise self.fail()

    def _step(self) -> None:
        rest = self.text[self.place]
        if rest in " \t\r" or self.text.startswith("\\\n", self.place):
            self._skip_blanks()
        elif rest == "#":
            end = self.text.find("\n", self.place)
            self.place = len(self.text) if end < 0 else end
        elif (redirection := _REDIRECTION.match(self.text, self.place)) is not None and self._is_redirection(
            redirection
        ):
            self._redirect(redirection)
        elif (operator := next((one for one in _OPERATORS if self.text.startswith(one, self.place)), None)) is not None:
            self._operate(operator)
        else:
            self._take_word()

    @staticmethod
    def _is_redirection(found: re.Match[str]) -> bool:
        return found[1] != "&" or found[2].startswith(">")

    def _operate(self, operator: str) -> None:
        if operator == "(":
            self._open_parenthesis()
            return
        self.place += len(operator)
        if operator == ")":
            self._finish(";")
            self._close("(")
            return
        if operator in (";;", ";&", ";;&"):
            self._finish(";")
            self._read_pattern()
            return
        self._finish(operator)
        if operator == "\n":
            self.line += 1
            self._read_bodies()

    def _open_parenthesis(self) -> None:
        if self.text.startswith("((", self.place) and not self._words:
            self.place -= 1  # as behind a dollar
            self._arithmetic()
            self._words.append("((")
            return
        if len(self._words) == 1 and not self._assigned and _NAME.fullmatch(self._words[0]):
            after = self.text[self.place + 1 :].lstrip(" \t")
            if not after.startswith(")"):
                raise self.fail()
            self.place = len(self.text) - len(after) + 1
            self._define(self._words.pop())
            return
        if self._words or self._assigned:
            raise self.fail()
        self.place += 1
        self.blocks.append("(")

    def _define(self, name: str) -> None:
        """A function's body is read like other commands; its name then stands for it."""
        self.commands.append(ShellCommand(words=("function", name), line=self.line, sure=False))
        after = self.text[self.place :].lstrip(" \t\n")
        if not after.startswith("{"):
            raise self.fail()

    def _finish(self, operator: str) -> None:
        """Ends the command at hand."""
        if self._words or self._assigned or self._redirections:
            sure = self._sure and not self.blocks and not self._ended
            self.commands.append(
                ShellCommand(
                    words=tuple(self._words),
                    assigned=tuple(self._assigned),
                    redirections=tuple(self._redirections),
                    line=self.line,
                    sure=sure,
                )
            )
            self._note_variables(sure=sure)
            self._ended |= _may_end(self._words)
        elif operator == "\n":
            return
        elif operator in ("|", "|&", "&&", "||") and not self.commands:
            raise self.fail()
        self._words, self._assigned, self._redirections = [], [], []
        self._sure = operator not in ("&&", "||")

    def _note_variables(self, *, sure: bool) -> None:
        """A name that is given one value only, before it is used, has that value."""
        program = self._words[0] if self._words else "export"
        if program in (".", "source", "eval"):
            self.known = dict.fromkeys(self.known)
        if program not in _DECLARING:
            return
        for one in (*self._assigned, *self._words[1:]):
            found = _ASSIGNMENT.fullmatch(one)
            name = found[1] if found is not None else one
            is_known = found is not None and found[2] == "=" and UNSURE not in found[3] and program in _SETTING
            self.known[name] = found[3] if found and is_known and sure and name not in self.known else None

    def _take_word(self) -> None:
        start = self.place
        word, quoted = self._word()
        if self.place == start:
            raise self.fail()
        if not self._words and not self._assigned and not quoted and self._keyword(word):
            return
        if not self._words and _ASSIGNMENT.fullmatch(word) and not quoted_name(self.text, start):
            if self.text[self.place : self.place + 1] == "(":
                raise self.fail()  # an array
            self._assigned.append(word)
            return
        if self._words[:1] == ["[["]:
            self._words.append(word)
            return
        words = _expand_braces(word[1:]) if not quoted and _BRACES.search(word) else [word]
        self._words += words if quoted else [part for one in words for part in (one.split() or [one])]

    def _keyword(self, word: str) -> bool:
        """Takes a word that the shell keeps for itself; False for any other."""
        if word in _OPENING:
            if word in _BLOCKS or word == "{":
                self.blocks.append(word)
            return True
        if word in ("fi", "done", "}"):
            self._close({"fi": "if", "done": "while", "}": "{"}[word])
            return True
        if word in ("for", "select"):
            self._read_loop()
            return True
        if word == "case":
            self._read_case()
            return True
        if word == "esac":
            self._close("case")
            return True
        if word == "function":
            self._skip_blanks()
            name, _ = self._word()
            after = self.text[self.place :].lstrip(" \t")
            if after.startswith("()"):
                self.place = len(self.text) - len(after) + 2
            self._define(name)
            return True
        if word == "[[":
            self._read_test()
            return True
        if word in ("coproc", "((", "in"):
            raise self.fail()
        return False

    def _close(self, block: str) -> None:
        if not self.blocks or {"until": "while", "for": "while"}.get(self.blocks[-1], self.blocks[-1]) != block:
            raise self.fail()
        self.blocks.pop()

    def _read_loop(self) -> None:
        self._skip_blanks()
        name, _ = self._word()
        if not _NAME.fullmatch(name):
            raise self.fail()
        self.known[name] = None
        self.blocks.append("for")
        self._skip_blanks()
        if self.text.startswith("in", self.place):
            self.place += 2
            self._skip_blanks()
            while self.place < len(self.text) and self.text[self.place] not in ";\n":
                start = self.place
                self._word()
                if self.place == start:
                    raise self.fail()
                self._skip_blanks()

    def _read_case(self) -> None:
        self._skip_blanks()
        self._word()
        self._skip_blanks(also="\n")
        if not self.text.startswith("in", self.place):
            raise self.fail()
        self.place += 2
        self.blocks.append("case")
        self._read_pattern()

    def _read_pattern(self) -> None:
        """The patterns of a case's branch, or its end."""
        if self.blocks[-1:] != ["case"]:
            raise self.fail()
        while True:
            self._skip_blanks(also="\n")
            if self.text.startswith("esac", self.place):
                return
            if self.text.startswith("#", self.place):
                self._step()
                continue
            break
        if self.text.startswith("(", self.place):
            self.place += 1
        while self.place < len(self.text) and self.text[self.place] != ")":
            if self.text[self.place] in "| \t":
                self.place += 1
                continue
            start = self.place
            self._word()
            if self.place == start:
                raise self.fail()
        self.place += 1

    def _read_test(self) -> None:
        """[[ ... ]], which runs nothing but what stands in it for a value."""
        while True:
            self._skip_blanks(also="\n")
            if self.text.startswith("]]", self.place):
                self.place += 2
                self._words.append("[[")
                return
            if self.place >= len(self.text):
                raise self.fail()
            if self.text[self.place] in "<>()&|;!=":
                self.place += 1
                continue
            self._word()

    def _skip_blanks(self, *, also: str = "") -> None:
        while self.place < len(self.text):
            if self.text.startswith("\\\n", self.place):
                self.place += 2
                self.line += 1
            elif self.text[self.place] in " \t\r" + also:
                self.line += self.text[self.place] == "\n"
                self.place += 1
            else:
                return

    # redirections

    def _redirect(self, found: re.Match[str]) -> None:
        self.place = found.end()
        operator = found[2]
        self._skip_blanks()
        target, quoted = self._word()
        if not target:
            raise self.fail()
        if operator in ("<<", "<<-"):
            self._redirections.append(Redirection(operator="<<", target=self._body(target, operator, quoted)))
            return
        if operator in (">&", "<&") and (target.isdigit() or target == "-"):
            return
        self._redirections.append(Redirection(operator="<<" if operator == "<<<" else operator, target=target))

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

    def _read_bodies(self) -> None:
        """Steps over the here-document that began on the line before."""
        body = self.bodies.pop(self.place - 1, None)
        if body is not None:
            self.line += body.count("\n") + 1
            self.place = min(self.place + len(body) + 1, len(self.text))

    def _expand(self, body: str) -> str:
        inner = _Reader(body, line=self.line + 1, depth=self.depth, known=self.known)
        text = ""
        while inner.place < len(body):
            mark = body[inner.place]
            if mark == "\\":
                text += body[inner.place + 1 : inner.place + 2]
                inner.place += 2
            elif mark in "$`":
                text += inner._dollar() if mark == "$" else inner._backquoted()
            else:
                text += mark
                inner.line += mark == "\n"
                inner.place += 1
        self.commands += inner.commands
        return text

    # words

    def _word(self) -> tuple[str, bool]:
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
                text += self._until("'")
                quoted = True
            elif mark == '"':
                text += self._double_quoted()
                quoted = True
            elif mark == "$":
                text += self._dollar()
            elif mark == "`":
                text += self._backquoted()
            elif mark in "*?[" and not (mark == "[" and not text):
                text += GLOB if mark in "*?" else mark
                self.place += 1
            else:
                text += mark
                self.place += 1
        if not quoted and _BRACES.search(text):
            text = UNSURE + text  # they expand to several words
        return text, quoted

    def _until(self, mark: str) -> str:
        end = self.text.find(mark, self.place + 1)
        if end < 0:
            raise self.fail()
        inside = self.text[self.place + 1 : end]
        self.place = end + 1
        self.line += inside.count("\n")
        return inside

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
                text += self._dollar()
            elif mark == "`":
                text += self._backquoted()
            else:
                text += mark
                self.line += mark == "\n"
                self.place += 1
        raise self.fail()

    def _dollar(self) -> str:
        after = self.text[self.place + 1 : self.place + 2]
        if self.text.startswith("$((", self.place):
            return self._arithmetic()
        if after == "(":
            return self._substituted(self._enclosed())
        if after == "{":
            return self._braced()
        if after == "'":
            self.place += 1
            if "\\'" in self._until("'"):
                raise self.fail()
            return UNSURE
        if after == '"':
            self.place += 1
            return self._double_quoted()
        found = _NAME.match(self.text, self.place + 1)
        if found is not None:
            self.place = found.end()
            return self._value(found[0])
        if after and after in "@*#?$!-0123456789":
            self.place += 2
            return UNSURE
        self.place += 1
        return "$"

    def _value(self, name: str) -> str:
        value = self.known.get(name)
        return UNSURE if value is None else value

    def _braced(self) -> str:
        end = self.text.find("}", self.place)
        inside = self.text[self.place + 2 : end]
        if end < 0 or not {"`", "{", "=", "\n", "'", '"', "\\"}.isdisjoint(inside) or "$(" in inside:
            raise self.fail()
        self.place = end + 1
        return self._value(inside) if _NAME.fullmatch(inside) else UNSURE

    def _arithmetic(self) -> str:
        end = self.text.find("))", self.place)
        inside = self.text[self.place + 3 : end]
        if end < 0 or "$(" in inside or "`" in inside:
            raise self.fail()
        self.place = end + 2
        return GLOB

    def _enclosed(self) -> str:
        """The text in $( ), brackets and quotes in it counted."""
        start = self.place + 2
        depth, place = 1, start
        while place < len(self.text):
            mark = self.text[place]
            if mark == "\\":
                place += 1
            elif mark == "'":
                place = self.text.find("'", place + 1)
                if place < 0:
                    raise self.fail()
            elif mark == "(":
                depth += 1
            elif mark == ")":
                depth -= 1
                if not depth:
                    self.place = place + 1
                    return self.text[start:place]
            place += 1
        raise self.fail()

    def _backquoted(self) -> str:
        return self._substituted(self._until("`"))

    def _substituted(self, text: str) -> str:
        inner = read_commands(text, line=self.line, depth=self.depth + 1)
        self.commands += inner
        if len(inner) == 1 and inner[0].words[:1] and inner[0].words[0] in _SLASHLESS:
            return UNSURE if any("/" in word for word in inner[0].words[1:]) else GLOB
        if len(inner) == 1 and inner[0].words == ("mktemp",):
            return f"/tmp/{GLOB}"  # noqa: S108 (what mktemp makes)
        return UNSURE


_BRACES = re.compile(r"(?<!\$)\{([^{}]*,[^{}]*)\}")


def _expand_braces(word: str) -> list[str]:
    """The words that one with braces stands for: a{b,c} for ab and ac."""
    found = _BRACES.search(word)
    if found is None or len(word) > _LONGEST_BRACES:
        return [word if found is None else UNSURE]
    parts = (word[: found.start()] + part + word[found.end() :] for part in found[1].split(","))
    return [whole for part in parts for whole in _expand_braces(part)]


def quoted_name(text: str, start: int) -> bool:
    """Return whether a word that looks like an assignment has its name in quotes, and so is none."""
    return text[start : start + 1] in ("'", '"', "\\")
