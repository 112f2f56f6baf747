"""Commands, wherever they stand: what each may do to the network, as far as its words tell."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import field

from netwright.verify.reading.formats.sysctl import split_key
from netwright.verify.reading.formats.wireguard import KEYS_SCRIPT, read_keys
from netwright.verify.reading.harmless_keys import is_harmless
from netwright.verify.reading.running.events import Script
from netwright.verify.reading.running.paths import UNSURE, is_known, normalise, show
from netwright.verify.reading.running.places import refuse_writing
from netwright.verify.reading.running.record import Record
from netwright.verify.reading.running.shell import read_commands
from netwright.verify.reading.running.shell_command import ShellCommand
from netwright.verify.reading.running.shell_text import NotUnderstood
from netwright.verify.reading.running.tables import CHANGERS, DOCKER, DOWNLOADED, FREE
from netwright.verify.values.wiring import PublishedPorts

BEYOND = "a command that changes the network in a way that is not known"
STRANGE = "a command that is not known to leave the network alone"
SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
_FOLDERS = frozenset(
    f"/{one}"
    for one in ("usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "opt/bin", "usr/libexec", "usr/lib/systemd")
)
_SUDOERS = "/etc/sudo"
_BEFORE_THE_SYSTEMS = ("/usr/local/sbin", "/usr/local/bin")
_INTERPRETERS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "rc", "openrc-run")
_PATHS = frozenset({"PATH", "ENV", "BASH_ENV", "IFS", "SHELLOPTS", "PYTHONPATH", "PERL5LIB", "NODE_OPTIONS", "PS4"})

Arguments: TypeAlias = list[str]
ProgramRule: TypeAlias = Callable[["Judge", Arguments], Iterator[str]]
"""The reasons why a program with these arguments may change the network."""


class Judge(Record, kw_only=True):
    """Judges the commands of one delivery; `rules` is the table of programs, `loaders` the units that load rulesets.

    `filesystems` are folders whose file systems hold what is delivered below them. With `sudo` what sudo may do is as
    the system has it.
    """

    files: Mapping[str, Script]
    trusted: frozenset[str]
    rules: Mapping[str, ProgramRule]
    masked: frozenset[str] = frozenset()
    filesystems: frozenset[str] = frozenset()
    stated: frozenset[tuple[tuple[str, ...], str]] = frozenset()
    units: frozenset[str] = frozenset()
    loaders: frozenset[str] = frozenset()
    seeded: bool = False
    docker: bool = False
    published: tuple[PublishedPorts, ...] = ()
    firewalld: bool = False
    sudo: bool = True
    seen: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    _running: list[str] = field(default_factory=list)

    @property
    def expected(self) -> frozenset[str]:
        """The packages whose unit is masked, or whose work is modelled."""
        modelled = (DOCKER if self.docker else frozenset()) | ({"firewalld"} if self.firewalld else frozenset())
        return self.masked | modelled

    # texts

    def shell(self, text: str, *, line: int = 1) -> None:
        """Judges shell text."""
        try:
            commands = read_commands(text, line=line)
        except NotUnderstood as stopped:
            self.note(stopped.line, stopped.text, "shell that is not understood")
            return
        self._functions |= {one.words[1] for one in commands if one.words[:1] == ("function",)}
        before = self.sure
        for command in commands:
            self.sure = before and command.sure
            self._judge(command)
        self.sure = before

    def _judge(self, command: ShellCommand) -> None:
        written, self.line = " ".join(command.words or command.assigned), command.line
        for reason in self._reasons(command):
            self.note(command.line, written, reason)

    def _move(self, words: Sequence[str]) -> None:
        """Follows cd: whatever is behind it counts from there, if that is certain."""
        if words[:1] in (["pushd"], ["popd"]) or (words[:1] == ["cd"] and not self.sure):
            self.folder = None
        elif words[:1] == ["cd"]:
            target = self.locate(words[-1] if len(words) > 1 else "/root")
            self.folder = normalise(target) if is_known(target) else None

    def locate(self, path: str) -> str:
        """The path from the root; from an unknown folder it is not known."""
        if path.startswith(("/", "~")) or UNSURE in path[:1]:
            return path
        return f"{UNSURE}{path}" if self.folder is None else f"{self.folder}/{path}"

    def _reasons(self, command: ShellCommand) -> Iterator[str]:
        for assignment in command.assigned:
            yield from self.assign(assignment)
        for redirection in command.redirections:
            if redirection.operator in (">", ">>", ">|", ">&", "<>"):
                yield from self.write(redirection.target)
        texts = [one.target for one in command.redirections if one.operator == "<<"]
        if command.words[:1] and command.words[0].rpartition("/")[2] in SHELLS and len(command.words) == 1 and texts:
            self.shell(texts[-1], line=command.line + 1)
        elif command.words[:1] not in ((), ("function",)):
            yield from self.run(list(command.words))
            self._move(list(command.words))

    def assign(self, assignment: str) -> Iterator[str]:
        """The reason why a variable must not be set, if it decides what runs."""
        name, _, value = assignment.partition("=")
        name = name.rstrip("+")
        if name == "PATH" and all(part in _FOLDERS_OF_PATH for part in value.split(":")):
            return
        if name in _PATHS - {"IFS"} or name.startswith("LD_"):
            yield f"{name} decides what programs run"

    # programs

    def run(self, words: Sequence[str]) -> Iterator[str]:
        """The reasons why a command with these words may change the network."""
        program, arguments = words[0], [*words[1:]]
        if not is_known(program) or not program:
            yield STRANGE
            return
        if "/" in program and not is_known(self.locate(program)):
            yield STRANGE
            return
        path = normalise(self.locate(program)) if "/" in program else self._found(program)
        if path in self.trusted:
            self.used.add(path)
            return
        if path in self.files:
            self.script(path)
            return
        folder, _, name = path.rpartition("/")
        if "/" not in program and program in self._functions:
            return
        if folder and folder not in _FOLDERS and not folder.startswith("/usr/lib/systemd"):
            yield STRANGE
        elif name in self.rules:
            yield from self.rules[name](self, arguments)
        elif name not in FREE:
            yield BEYOND if name in CHANGERS else STRANGE

    def _found(self, name: str) -> str:
        """The delivered program of that name, or the name."""
        return next((f"{folder}/{name}" for folder in _BEFORE_THE_SYSTEMS if f"{folder}/{name}" in self.files), name)

    def has_plain_sudo(self, program: str) -> bool:
        """Return whether sudo surely runs a program of the system's: nothing changes its own files, and no other
        program of that name is delivered, which it may find or not."""
        return self.sudo and not any(one.startswith(_SUDOERS) for one in self.files) and self._found(program) == program

    def script(self, path: str) -> None:
        """Judges a delivered script that something runs."""
        if path in self.trusted:
            self.used.add(path)
        if path in self._running or path in self.trusted:
            return
        text = self.files[path].text
        self.seen.add(path)
        if path == KEYS_SCRIPT and read_keys(path, text) is not None:
            self.keyed.add(self.when)
            return
        self._running.append(path)
        with self.at(path):
            head = text.partition("\n")[0]
            self.sure, self.folder = self.sure and not _STOPS.match(head), None
            if text.startswith("\x7fELF") or "\0" in text or "\ufffd" in text:
                self.note(0, "", "a program that is delivered and not read")
            elif head.startswith("#!") and not self._is_shell(head):
                self.note(1, head, "a program in a language that is not read")
            else:
                self.shell(text)
        self._running.pop()

    @staticmethod
    def _is_shell(head: str) -> bool:
        words = [word.rpartition("/")[2] for word in head[2:].split() if not word.startswith("-")]
        return bool(words) and (words[1:2] or words[:1])[0] in _INTERPRETERS

    def read_script(self, path: str) -> Iterator[str]:
        """The reason why a file that a shell reads is not known."""
        path = self.locate(path)
        plain = normalise(path) if is_known(path) else path
        if plain in self.trusted:
            self.used.add(plain)
        elif plain in self.files:
            self.script(plain)
        else:
            yield f"runs {show(path)}, which is not delivered"

    # paths

    def write(self, path: str, *, wholly: bool = False) -> Iterator[str]:
        """The reason why nothing may be written to a path, if there is one."""
        path = self.locate(path)
        self.sudo = self.sudo and is_known(path) and not normalise(path).startswith(_SUDOERS)
        reason = refuse_writing(path, wholly=wholly)
        if reason is not None and is_known(path) and normalise(path) in self.trusted:
            self.used.add(normalise(path))
            return
        if reason is None and is_known(path):
            plain = normalise(path)
            inner = plain + "/"
            if plain in self.files or (wholly and any(one.startswith(inner) for one in self.files)):
                reason = f"writes over {plain}, which is delivered and judged as it is"
            elif plain.rpartition("/")[0] in _FOLDERS and plain.rpartition("/")[2] in self._called():
                reason = f"puts another program in the place of {plain.rpartition('/')[2]}"
        if reason is not None:
            yield reason

    def refuse_parameter(self, key: str, value: str) -> str | None:
        """Return why setting a parameter may change the network, None if it cannot, or if a file sets the same."""
        words, plain = split_key(key), " ".join(value.split())
        if (words, plain) in self.stated or (words and ".." not in words and is_harmless(words, plain)):
            return None
        return f"sets {'.'.join(words)} to {value}, which no file sets"

    def _called(self) -> frozenset[str]:
        return (frozenset(self.rules) | frozenset(FREE)) - DOWNLOADED

    def mount(self, path: str) -> Iterator[str]:
        """The reason why nothing may be mounted on a folder: it hides what is there, unless that came with it."""
        if is_known(path) and normalise(path) in self.filesystems:
            yield from filter(None, [refuse_writing(path, wholly=True)])
        else:
            yield from self.write(path, wholly=True)

    def change(self, path: str, *, wholly: bool = False) -> Iterator[str]:
        """As `write`, for owner and mode: those of a delivered file that is judged by its text may change, and of what
        K3s reads, which is root."""
        path = self.locate(path)
        plain = normalise(path) if is_known(path) else ""
        if (plain in self.files or plain.startswith("/etc/rancher/")) and not wholly:
            return
        yield from self.write(path, wholly=wholly)

    def nested(self, words: Sequence[str]) -> Iterator[str]:
        """The reasons of a command that another one runs."""
        if not words:
            return
        before, self.programs = self.programs, frozenset()
        yield from self.run(words)
        self.programs = before


_STOPS = re.compile(r"#!.*\s-\w*e")
"""A first line by which a script ends where something fails."""

_FOLDERS_OF_PATH = frozenset(
    {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/bin", UNSURE, "$PATH"}
)
