"""A file of nft's as it is read: statements, lines and the blocks that are open."""

from netwright.verify.reading.formats.nft_refusals import REFUSED, name_fault
from netwright.verify.reading.formats.nft_words import Word, spell, split_words
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.nftables import Ruleset


class RulesetFile:
    """One file being read into a ruleset; `listed` is what nft lists of the rules that a kernel has: it refuses nothing
    of them, and a rule that is not known is so for the packets that meet it alone."""

    def __init__(self, name: str, text: str, ruleset: Ruleset, *, listed: bool = False) -> None:
        self.name = name
        self.listed = listed
        self.words = split_words(text)
        self.place = 0
        self.ruleset = ruleset

    def origin(self, word: Word) -> Origin:
        return Origin(file=self.name, line=word.line)

    def note_unread(self, words: tuple[Word, ...], reason: str) -> None:
        """Note what a file may be refused for, and what of a listed ruleset is not known to the rules that use it."""
        if not self.listed:
            self.note_unknown(words, reason)

    def note_unknown(self, words: tuple[Word, ...], reason: str) -> None:
        origin = self.origin(words[0]) if words else Origin(file=self.name, line=1)
        self.ruleset.unknown.append(Unknown(origin=origin, text=spell(words), reason=reason))

    def check_name(self, word: Word) -> None:
        """Names a word that can't be what a table, chain or set is called."""
        fault = name_fault(word.text)
        if not self.listed and (fault is not None or word.quoted):
            self.note_unknown((word,), f"{REFUSED}: {fault or 'a name in quotes'}")

    def skip_ends(self) -> Word | None:
        """The next word that ends no statement, not taken; None at the end of the file."""
        while self.place < len(self.words) and self.words[self.place].is_end:
            self.place += 1
        return self.words[self.place] if self.place < len(self.words) else None

    def take_statement(self, *, block: bool) -> tuple[Word, ...]:
        """The words up to the statement's end; with `block` a brace that opens a block ends it too and is taken."""
        taken: list[Word] = []
        depth = 0
        while self.place < len(self.words):
            word = self.words[self.place]
            mark = "" if word.quoted else word.text
            if depth == 0 and (word.is_end or mark == "}"):
                break
            self.place += 1
            if mark == "{" and block:
                return (*taken, word)
            depth += (mark == "{") - (mark == "}")
            if mark != "\n":
                taken.append(word)
        return tuple(taken)

    def skip_block(self) -> str:
        """Leaves out everything up to the brace that closes the block; returns it, one space between words."""
        depth, start = 1, self.place
        while depth and self.place < len(self.words):
            word = self.words[self.place]
            depth += 0 if word.quoted else (word.text == "{") - (word.text == "}")
            self.place += 1
        return " ".join(word.text for word in self.words[start : self.place] if word.text != "\n")

    def close_block(self) -> bool:
        """Return whether the block's closing brace comes next, which is taken, or the file's end, which is named."""
        word = self.skip_ends()
        if word is None:
            self.note_unknown(self.words[-1:], f"{REFUSED}: a block's closing brace is missing")
            return True
        if word.text != "}" or word.quoted:
            return False
        self.place += 1
        following = self.words[self.place : self.place + 1]
        if following and not following[0].is_end and following[0].text != "}":
            self.note_unknown(following, f"{REFUSED}: a new line is wanted behind a block's brace")
        return True
