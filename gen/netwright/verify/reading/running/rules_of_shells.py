"""Programs that run others, and what a shell does itself: each is judged by the commands that it is given."""

import re
from collections.abc import Iterator
from contextlib import nullcontext

from netwright.verify.reading.running.arguments import option
from netwright.verify.reading.running.judge import SHELLS, STRANGE, Arguments, Judge, ProgramRule
from netwright.verify.reading.running.paths import UNSURE, is_known


def _xargs(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = _behind_options(arguments, valued="-n -P -I -L -d -s -a --max-args --max-procs --delimiter --replace")
    yield from judge.nested([*words, UNSURE] if words else [])


def _behind_options(arguments: Arguments, *, valued: str = "") -> Arguments:
    taking = frozenset(valued.split())
    words = [*arguments]
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        if word in taking and words:
            words.pop(0)
    return words


def _prefix(valued: str = "", *, operand_count: int = 0) -> ProgramRule:
    """ProgramRule of a program that runs the rest of its words, after its options and some operands."""

    def rule(judge: Judge, arguments: Arguments) -> Iterator[str]:
        yield from judge.nested(_behind_options(arguments, valued=valued)[operand_count:])

    return rule


def _env(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """env, doas: assignments before the command."""
    words = _behind_options(arguments, valued="-u -g -h -p -C -S --unset --user --group --chdir")
    if any(one.startswith(("-S", "--split-string", "-s", "-i", "--shell", "--login")) for one in arguments[:1]) and (
        not words or "-S" in arguments[:1]
    ):
        yield STRANGE
        return
    while words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0], re.DOTALL):
        yield from judge.assign(words.pop(0))
    yield from judge.nested(words)


def _sudo(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """sudo, which lets root run anything unless a file of its own says otherwise: then the command surely runs."""
    words = [*arguments]
    while words and words[0] in ("-n", "-E", "-H", "--"):
        words.pop(0)
    if not words or words[0].startswith("-") or "=" in words[0] or not judge.has_plain_sudo(words[0]):
        yield from _env(judge, arguments)
    else:
        yield from judge.run(words)


_STOPS = re.compile(r"(?:\S+ )*-\w*e|(?:\S+ )*-o errexit")


def _shell(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """sh: a text with -c, a file, or what it is told on its standard input."""
    words = [*arguments]
    takes_text = False
    while words and words[0].startswith(("-", "+")) and words[0] != "-":
        word = words.pop(0)
        if word in ("--", "-s"):
            break
        takes_text |= not word.startswith("--") and "c" in word
        if word in ("-o", "+o", "--rcfile", "--init-file"):
            words[:1] = []
    if takes_text and words and is_known(words[0]):
        with judge.aside() if _STOPS.match(" ".join(arguments)) else nullcontext():
            judge.shell(words[0])
    elif takes_text:
        yield "a shell with a text that is not known"
    elif words and words[0] != "-" and "-s" not in arguments:
        yield from judge.read_script(words[0])
    elif "--version" not in arguments:
        yield "a shell that reads its commands from elsewhere"


def _source(judge: Judge, arguments: Arguments) -> Iterator[str]:
    if arguments[:1] and arguments[0] in (
        "/etc/os-release",
        "/usr/lib/os-release",
        "/run/flatcar/metadata",
        "/etc/profile",
    ):
        return
    yield from judge.read_script(arguments[0] if arguments else UNSURE)


def _eval(judge: Judge, arguments: Arguments) -> Iterator[str]:
    text = " ".join(arguments)
    if UNSURE in text:
        yield "a shell with a text that is not known"
    else:
        judge.shell(text)


def _declares(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """export, declare: variables that later programs get."""
    for one in arguments:
        if "=" in one:
            yield from judge.assign(one)


def _alias(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """A name for a text of the shell's."""
    for one in arguments:
        _, equals, text = one.partition("=")
        if equals:
            with judge.aside():
                yield from _eval(judge, [text])


def _hash(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if arguments not in ([], ["-r"]):
        yield STRANGE


def _trap(judge: Judge, arguments: Arguments) -> Iterator[str]:
    if arguments and arguments[0] not in ("-", "-l", "-p", ""):
        with judge.aside():
            yield from _eval(judge, arguments[:1])


def _su(judge: Judge, arguments: Arguments) -> Iterator[str]:
    text = option(arguments, "-c", "--command")
    if text is None or not is_known(text):
        yield STRANGE
    else:
        with judge.aside():
            judge.shell(text)


def _command(judge: Judge, arguments: Arguments) -> Iterator[str]:
    if arguments[:1] not in (["-v"], ["-V"]):
        yield from judge.nested(arguments)


_READ_AGAIN = frozenset({"-HUP", "-SIGHUP", "-1", "-USR1", "-SIGUSR1", "-10"})


def _kill(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    """The signals by which daemons read their files again, or open them; others end programs."""
    if not (arguments[:1] and arguments[0] in _READ_AGAIN):
        yield STRANGE


RULES_OF_SHELLS: dict[str, ProgramRule] = {
    "kill": _kill,
    "xargs": _xargs,
    **dict.fromkeys(("env", "doas"), _env),
    "sudo": _sudo,
    **dict.fromkeys(("nohup", "setsid", "exec", "builtin", "time"), _prefix("-a")),
    **dict.fromkeys(
        ("nice", "ionice", "chrt", "stdbuf", "systemd-cat", "systemd-inhibit"), _prefix("-n -c -p -t -i -o -e")
    ),
    "timeout": _prefix("-k -s --kill-after --signal", operand_count=1),
    "flock": _prefix("-w -E -c --timeout", operand_count=1),
    "command": _command,
    **dict.fromkeys(SHELLS, _shell),
    **dict.fromkeys((".", "source"), _source),
    "eval": _eval,
    **dict.fromkeys(("export", "declare", "typeset", "local", "readonly"), _declares),
    "alias": _alias,
    "hash": _hash,
    "trap": _trap,
    **dict.fromkeys(("su", "runuser"), _su),
}
