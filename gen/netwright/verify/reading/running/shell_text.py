"""Text of a shell, and the place in it that is read."""

from msgspec import Struct, field

from netwright.verify.reading.running.shell_command import ShellCommand


class NotUnderstood(Exception):  # noqa: N818
    """A text that is not understood, from a line on."""

    def __init__(self, line: int, text: str) -> None:
        """Takes where."""
        super().__init__(text)
        self.line = line
        self.text = text


class ShellText(Struct):
    """A text, and the place and line in it up to which it has been read; `commands` are those found there."""

    text: str
    line: int
    depth: int
    place: int = 0
    commands: list[ShellCommand] = field(default_factory=list)

    def fail(self) -> NotUnderstood:
        """The exception for the line at hand."""
        start = self.text.rfind("\n", 0, self.place) + 1
        return NotUnderstood(self.line, self.text[start:].partition("\n")[0].strip()[:120])

    def skip_blanks(self, *, also: str = "") -> None:
        while self.place < len(self.text):
            if self.text.startswith("\\\n", self.place):
                self.place += 2
                self.line += 1
            elif self.text[self.place] in " \t\r" + also:
                self.line += self.text[self.place] == "\n"
                self.place += 1
            else:
                return

    def until(self, mark: str) -> str:
        end = self.text.find(mark, self.place + 1)
        if end < 0:
            raise self.fail()
        inside = self.text[self.place + 1 : end]
        self.place = end + 1
        self.line += inside.count("\n")
        return inside

    def enclosed(self) -> str:
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
