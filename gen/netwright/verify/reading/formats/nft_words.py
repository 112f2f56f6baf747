"""The words of an nft file, with their lines."""

import re

from msgspec import Struct

_WORD = re.compile(
    r"""(?P<space>[ \t]+|\\\n|#[^\n]*)|(?P<end>[\n;])|(?P<mark>[{},])|"(?P<quoted>[^"\n]*)"|(?P<word>[^\s{},;"#]+)"""
)


class MisreadRule(Exception):  # noqa: N818
    """A part of a rule that is not known, and of which nft may know nothing either."""


class Unmodelled(Exception):  # noqa: N818
    """A part of a rule that nft takes, and that is beyond this model; the words behind it are read all the same."""


class Word(Struct, frozen=True, kw_only=True):
    """A word, brace, comma, or the end of a statement (";" or a new line); quoted words are never keywords."""

    text: str
    line: int
    quoted: bool = False

    @property
    def is_end(self) -> bool:
        """Return whether the word ends a statement."""
        return self.text in _ENDS and not self.quoted


_ENDS = (";", "\n")


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
            words.append(Word(text=found, line=line))
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
        """Starts before the first word; `place` counts those that are taken."""
        self._words = words
        self.place = 0

    def __bool__(self) -> bool:
        return self.place < len(self._words)

    def peek(self) -> str | None:
        """The next word, None at the end; a quoted one with its quotes, so that it is no keyword."""
        if not self:
            return None
        word = self._words[self.place]
        return f'"{word.text}"' if word.quoted else word.text

    def take(self) -> str:
        """The next word; raises IndexError at the end, and Misread if it is quoted."""
        if self and self._words[self.place].quoted:
            raise MisreadRule(f"a string where nft wants none: {self.peek()}")
        return self.take_string()

    def take_string(self) -> str:
        """The next word, quoted or not; raises IndexError at the end."""
        word = self._words[self.place]
        self.place += 1
        return word.text

    def accept(self, *texts: str) -> bool:
        """Return whether the next words are these; if so they are taken."""
        following = self._words[self.place : self.place + len(texts)]
        found = len(following) == len(texts) and all(
            word.text == text and not word.quoted for word, text in zip(following, texts, strict=True)
        )
        if found:
            self.place += len(texts)
        return found

    def take_match(self, pattern: re.Pattern[str]) -> str | None:
        """The next words if the pattern matches them, one space between them and none of them in part."""
        text = " ".join('""' if word.quoted else word.text for word in self._words[self.place :])
        match = pattern.match(text)
        if match is None or text[match.end() : match.end() + 1] not in ("", " "):
            return None
        self.place += match[0].count(" ") + 1
        return match[0]

    def rest(self) -> str:
        """The words that are left, as one text."""
        return spell(self._words[self.place :])


def spell(words: tuple[Word, ...]) -> str:
    """The words as a line of text."""
    line = " ".join(f'"{word.text}"' if word.quoted else word.text for word in words if not word.is_end)
    return line.replace(" ,", ",")
