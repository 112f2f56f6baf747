"""The words of an nft file, with their lines."""

import re
from dataclasses import dataclass

_WORD = re.compile(
    r"""(?P<space>[ \t\r]+|\\\n|#[^\n]*)|(?P<end>[\n;])|(?P<mark>[{},])|"(?P<quoted>[^"\n]*)"|(?P<word>[^\s{},;"#]+)"""
)


class Misread(Exception):  # noqa: N818
    """A part of a rule that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word, brace, comma, or the end of a statement (";"); quoted words are never keywords."""

    text: str
    line: int
    quoted: bool = False


def split_words(text: str) -> tuple[Word, ...]:
    """All words of the text; a character that starts none is a word of its own."""
    words: list[Word] = []
    line, place = 1, 0
    while place < len(text):
        match = _WORD.match(text, place)
        if match is None:
            words.append(Word(text=text[place], line=line))
            place += 1
            continue
        kind, found = match.lastgroup, match[0]
        if kind == "end":
            words.append(Word(text=";", line=line))
        elif kind == "quoted":
            words.append(Word(text=match["quoted"], line=line, quoted=True))
        elif kind != "space":
            words.append(Word(text=found, line=line))
        line += found.count("\n")
        place = match.end()
    return tuple(words)


class Words:
    """A reader's place among the words of one statement."""

    def __init__(self, words: tuple[Word, ...]) -> None:
        """Starts before the first word."""
        self._words = words
        self._place = 0

    def __bool__(self) -> bool:
        return self._place < len(self._words)

    def peek(self) -> str | None:
        """The next word, None at the end."""
        return self._words[self._place].text if self else None

    def take(self) -> str:
        """The next word; raises IndexError at the end."""
        word = self._words[self._place]
        self._place += 1
        return word.text

    def accept(self, *texts: str) -> bool:
        """Whether the next words are these; if so they are taken."""
        found = tuple(word.text for word in self._words[self._place : self._place + len(texts)])
        if found == texts:
            self._place += len(texts)
        return found == texts

    def rest(self) -> str:
        """The words that are left, as one text."""
        return spell(self._words[self._place :])


def spell(words: tuple[Word, ...]) -> str:
    """The words as a line of text."""
    line = " ".join(f'"{word.text}"' if word.quoted else word.text for word in words)
    return line.replace(" ,", ",")
