"""One command of a shell."""

from msgspec import Struct


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
