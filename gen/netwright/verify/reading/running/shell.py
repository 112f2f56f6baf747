"""Shell text -> the commands in it (POSIX shell, with bash's most usual words).

Conservative: what is not understood raises NotUnderstood; nothing is skipped.
"""

import re
from collections.abc import Sequence

from msgspec import field

from netwright.verify.reading.running.paths import GLOB, UNSURE
from netwright.verify.reading.running.shell_command import ShellCommand
from netwright.verify.reading.running.shell_redirections import RedirectionReader
from netwright.verify.reading.running.shell_text import NotUnderstood
from netwright.verify.reading.running.shell_words import ASSIGNMENT, BRACES, NAME, expand_braces, quoted_name

_DEEPEST = 16
_OPERATORS = (";;&", ";;", ";&", "&&", "||", "|&", ";", "&", "|", "(", ")", "\n")
_OPENING = frozenset({"if", "then", "elif", "else", "while", "until", "do", "{", "!", "time"})
_BLOCKS = frozenset({"if", "while", "until"})
_SLASHLESS = frozenset({"date", "hostname", "uname", "whoami", "nproc", "id", "wc", "hostnamectl", "arch"})
"""Commands whose output, in a name of a file, leads nowhere else."""


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


class _Reader(RedirectionReader):
    """Reader of commands, with the blocks that are open and the command at hand."""

    blocks: list[str] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)
    _assigned: list[str] = field(default_factory=list)
    _sure: bool = True
    _ended: bool = False

    def read(self) -> None:
        while self.place < len(self.text):
            self._step()
        self._finish(";")
        if self.blocks or self.bodies:
            raise self.fail()

    def _step(self) -> None:
        rest = self.text[self.place]
        if rest in " \t\r" or self.text.startswith("\\\n", self.place):
            self.skip_blanks()
        elif rest == "#":
            end = self.text.find("\n", self.place)
            self.place = len(self.text) if end < 0 else end
        elif self.redirect():
            return
        elif (operator := next((one for one in _OPERATORS if self.text.startswith(one, self.place)), None)) is not None:
            self._operate(operator)
        else:
            self._take_word()

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
            self.read_bodies()

    def _open_parenthesis(self) -> None:
        if self.text.startswith("((", self.place) and not self._words:
            self.place -= 1  # as behind a dollar
            self._arithmetic()
            self._words.append("((")
            return
        if len(self._words) == 1 and not self._assigned and NAME.fullmatch(self._words[0]):
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
        if self._words or self._assigned or self.redirections:
            sure = self._sure and not self.blocks and not self._ended
            self.commands.append(
                ShellCommand(
                    words=tuple(self._words),
                    assigned=tuple(self._assigned),
                    redirections=tuple(self.redirections),
                    line=self.line,
                    sure=sure,
                )
            )
            self.note_variables(
                self._words[0] if self._words else "export", (*self._assigned, *self._words[1:]), sure=sure
            )
            self._ended |= _may_end(self._words)
        elif operator == "\n":
            return
        elif operator in ("|", "|&", "&&", "||") and not self.commands:
            raise self.fail()
        self._words, self._assigned, self.redirections = [], [], []
        self._sure = operator not in ("&&", "||")

    def _take_word(self) -> None:
        start = self.place
        word, quoted = self.word()
        if self.place == start:
            raise self.fail()
        if not self._words and not self._assigned and not quoted and self._keyword(word):
            return
        if not self._words and ASSIGNMENT.fullmatch(word) and not quoted_name(self.text, start):
            if self.text[self.place : self.place + 1] == "(":
                raise self.fail()  # an array
            self._assigned.append(word)
            return
        if self._words[:1] == ["[["]:
            self._words.append(word)
            return
        words = expand_braces(word[1:]) if not quoted and BRACES.search(word) else [word]
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
            self.skip_blanks()
            name, _ = self.word()
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
        self.skip_blanks()
        name, _ = self.word()
        if not NAME.fullmatch(name):
            raise self.fail()
        self.known[name] = None
        self.blocks.append("for")
        self.skip_blanks()
        if self.text.startswith("in", self.place):
            self.place += 2
            self.skip_blanks()
            while self.place < len(self.text) and self.text[self.place] not in ";\n":
                start = self.place
                self.word()
                if self.place == start:
                    raise self.fail()
                self.skip_blanks()

    def _read_case(self) -> None:
        self.skip_blanks()
        self.word()
        self.skip_blanks(also="\n")
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
            self.skip_blanks(also="\n")
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
            self.word()
            if self.place == start:
                raise self.fail()
        self.place += 1

    def _read_test(self) -> None:
        """[[ ... ]], which runs nothing but what stands in it for a value."""
        while True:
            self.skip_blanks(also="\n")
            if self.text.startswith("]]", self.place):
                self.place += 2
                self._words.append("[[")
                return
            if self.place >= len(self.text):
                raise self.fail()
            if self.text[self.place] in "<>()&|;!=":
                self.place += 1
                continue
            self.word()

    def substitute(self, text: str) -> str:
        inner = read_commands(text, line=self.line, depth=self.depth + 1)
        self.commands += inner
        if len(inner) == 1 and inner[0].words[:1] and inner[0].words[0] in _SLASHLESS:
            return UNSURE if any("/" in word for word in inner[0].words[1:]) else GLOB
        if len(inner) == 1 and inner[0].words == ("mktemp",):
            return f"/tmp/{GLOB}"  # noqa: S108 (what mktemp makes)
        return UNSURE
