"""Programs that write files, move them or fetch them: each is judged by the paths and words it is given."""

import re
from collections.abc import Iterator
from itertools import pairwise

from netwright.verify.reading.running.arguments import has_flag, in_folder, operands, option
from netwright.verify.reading.running.judge import STRANGE, Arguments, Judge, ProgramRule
from netwright.verify.reading.running.paths import UNSURE, is_known, normalise
from netwright.verify.reading.running.places import refuse_mode

_ADDRESS = r"(?:(?:\d+|\$|/[^/]*/)(?:,(?:\d+|\$|/[^/]*/))?\s*!?\s*)?"
_SED = re.compile(
    rf"(?:{_ADDRESS}(?:s([^\w\s])(?:(?!\1).|\\.)*\1(?:(?!\1).|\\.)*\1[gpiIm0-9]*|[dpqg=]|y/[^/]*/[^/]*/|[aci]\\(?=\Z|\n))|\s|;)*",
    re.DOTALL,
)
_AWK_DANGER = re.compile(r"system\s*\(|\||>|getline")


def _all(judge: Judge, paths: list[str], *, wholly: bool = False) -> Iterator[str]:
    for path in paths:
        yield from judge.write(path, wholly=wholly)


def _writes(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """tee, touch, truncate, mkfifo: every operand is a file that they write."""
    yield from _all(judge, operands(arguments, valued="-s -r -d -t -m --size --reference"))


def _mkdir(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """A directory that is new holds nothing."""
    for path in operands(arguments, valued="-m --mode"):
        if not is_known(path):
            yield from judge.write(path)


def _removes(judge: Judge, arguments: Arguments) -> Iterator[str]:
    yield from _all(judge, operands(arguments), wholly=True)


def _changes_mode(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """chmod, chown, chgrp: mode or owner, then files."""
    wholly = has_flag(arguments, "R", "--recursive")
    paths = [one for one in arguments if not one.startswith("-")][1:]
    for path in paths:
        yield from judge.change(path, wholly=wholly)


def _changes_permissions(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """chmod; a mode such as -x looks like an option."""
    if any(one.startswith("--reference") for one in arguments):
        yield STRANGE
        return
    words = [one for one in arguments if not re.fullmatch(r"-[cfvR]+|--\w.*", one)]
    yield from _changes_mode(judge, [*(one for one in arguments if one not in words), "", *words[1:]])
    for path in words[1:]:
        yield from filter(None, [refuse_mode(judge.locate(path), words[0])])


def _places(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """cp, install: sources, then the file or directory that they come to."""
    if has_flag(arguments, "d", "--directory") and "-d" in arguments:
        folders = operands(arguments, valued="-m -o -g --mode --owner --group")
        yield from _mkdir(judge, folders)
        yield from filter(None, (refuse_mode(one, option(arguments, "-m", "--mode") or "755") for one in folders))
        return
    folder = option(arguments, "-t", "--target-directory")
    paths = operands(arguments, valued="-m -o -g -t -S --mode --owner --group --target-directory --suffix")
    sources, target = (paths, folder) if folder is not None else (paths[:-1], paths[-1] if paths else "")
    if not sources or target is None:
        yield STRANGE
        return
    wholly = (
        has_flag(arguments, "r", "--recursive", "--archive") or has_flag(arguments, "R") or has_flag(arguments, "a")
    )
    if wholly:
        yield from judge.write(target, wholly=True)
        return
    if folder is None and len(sources) == 1 and not target.endswith(("/", "/.")):
        yield from judge.write(target)
    for source in sources:
        yield from judge.write(in_folder(target, source))


def _moves(judge: Judge, arguments: Arguments) -> Iterator[str]:
    paths = operands(arguments, valued="-t -S --target-directory --suffix")
    yield from _all(judge, paths[:-1], wholly=True)
    yield from _places(judge, [one for one in arguments if one not in ("-f", "-n", "-v")])


def _links(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """A link, and what it leads to: what is written by it goes there."""
    paths = operands(arguments, valued="-t -S --target-directory --suffix")
    if paths and (paths[-1] == "/etc/localtime" or _is_stub(paths)):
        return
    if len(paths) > 1 and not paths[0].startswith("/usr/"):
        yield from _all(judge, paths[:-1], wholly=True)
    if len(paths) > 1:
        # In the place of a directory it is one of other files; into a directory that is there, it goes itself.
        yield from judge.write(paths[-1], wholly=not paths[-1].endswith("/"))
        yield from judge.write(in_folder(paths[-1], paths[0]))


def _is_stub(paths: list[str]) -> bool:
    """Return whether names are asked of systemd-resolved, or of the servers that it knows."""
    return paths[-1] == "/etc/resolv.conf" and [normalise(one).rpartition("/")[0] for one in paths[:-1]] == [
        "/run/systemd/resolve"
    ]


def _dd(judge: Judge, arguments: Arguments) -> Iterator[str]:
    yield from _all(judge, [one[3:] for one in arguments if one.startswith("of=")])


def _curl(judge: Judge, arguments: Arguments) -> Iterator[str]:
    target = option(arguments, "-o", "--output")
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if re.fullmatch(r"-[a-zA-Z]+o", word):  # -fsSLo FILE
            target = following
    if has_flag(
        arguments, "", "-K", "--config", "--output-dir", "--create-file-mode", "--libcurl", "-D", "--dump-header", "-c"
    ):
        yield STRANGE
    elif target is not None:
        yield from judge.write(target)


def _wget(judge: Judge, arguments: Arguments) -> Iterator[str]:
    target = option(arguments, "-O", "--output-document")
    folder = option(arguments, "-P", "--directory-prefix")
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if re.fullmatch(r"-[a-zA-Z]+O", word):
            target = following
    if any(word.startswith(("--config", "--use-askpass", "-e", "--execute", "-i")) for word in arguments):
        yield STRANGE
    elif target not in (None, "-"):
        yield from judge.write(target or "")
    elif folder is not None:
        yield from judge.write(folder, wholly=True)


def _tar(judge: Judge, arguments: Arguments) -> Iterator[str]:
    if any(
        word.startswith(("--to-command", "--checkpoint-action", "-I", "--use-compress-program", "-F"))
        for word in arguments
    ):
        yield STRANGE
        return
    letters = (arguments[0] if arguments and not arguments[0].startswith("--") else "").lstrip("-")
    extracting = "x" in letters or "--extract" in arguments or has_flag(arguments, "x")
    if extracting:
        yield from judge.write(option(arguments, "-C", "--directory") or UNSURE, wholly=True)
        return
    archive = option(arguments, "-f", "--file") or (arguments[1] if "f" in letters and len(arguments) > 1 else None)
    if archive is not None and "t" not in letters and archive != "-":
        yield from judge.write(archive)


def _unzip(judge: Judge, arguments: Arguments) -> Iterator[str]:
    yield from judge.write(option(arguments, "-d") or UNSURE, wholly=True)


def _git(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(arguments, valued="--depth -b --branch -C -c")
    if "-c" in arguments or words[:1] != ["clone"] or len(words) < 3:
        yield STRANGE
        return
    yield from judge.write(words[2], wholly=True)


def _rsync(judge: Judge, arguments: Arguments) -> Iterator[str]:
    paths = operands(arguments, valued="-e --rsh --exclude --include --log-file --password-file --bwlimit")
    if has_flag(arguments, "e", "--rsh", "--rsync-path") or any(word.startswith("--rsync-path") for word in arguments):
        yield STRANGE
    elif len(paths) < 2:
        return
    elif ":" not in paths[-1]:
        yield from judge.write(paths[-1], wholly=True)


def _sed(judge: Judge, arguments: Arguments) -> Iterator[str]:
    scripts = [following for word, following in pairwise(arguments) if word in ("-e", "--expression")]
    words = operands(arguments, valued="-e --expression -f --file")
    if not scripts:
        scripts, words = words[:1], words[1:]
    in_place = any(word.startswith(("-i", "--in-place")) or re.fullmatch(r"-[nErsz]*i", word) for word in arguments)
    if "-f" in arguments or not all(_SED.fullmatch(script.replace(UNSURE, "x")) for script in scripts):
        yield "sed with a script that is not understood"
    elif in_place and not (words == ["/etc/fstab"] and all("swap" in script for script in scripts)):
        yield from _all(judge, words)


def _awk(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if "-f" in arguments or any(_AWK_DANGER.search(word) or UNSURE in word for word in arguments[:1] + arguments[1:2]):
        yield "awk with a program that is not understood"


def _find(judge: Judge, arguments: Arguments) -> Iterator[str]:
    roots = []
    for word in arguments:
        if word.startswith(("-", "(", "!")):
            break
        roots.append(word)
    if any(word.startswith(("-fprint", "-fls", "-ok")) for word in arguments):
        yield STRANGE
    if "-delete" in arguments:
        yield from _all(judge, roots, wholly=True)
    for number, word in enumerate(arguments):
        if word in ("-exec", "-execdir"):
            inner = [UNSURE if part in ("{}", ";", "+") else part for part in arguments[number + 1 :]]
            cut = next((place for place, part in enumerate(arguments[number + 1 :]) if part in (";", "+")), len(inner))
            found = [f"{root.rstrip('/')}/{''}" for root in roots]
            words = [
                part if part != UNSURE else (found[0] + "\1" if len(found) == 1 else UNSURE) for part in inner[:cut]
            ]
            yield from judge.nested(words)


def _ss(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if has_flag(arguments, "K", "--kill"):
        yield "ends connections"


def _mount(judge: Judge, arguments: Arguments) -> Iterator[str]:
    paths = operands(arguments, valued="-t -o --types --options -L -U")
    if paths and paths != ["/"] and len(paths) > 1:
        yield from judge.write(paths[-1], wholly=True)


def _umount(judge: Judge, arguments: Arguments) -> Iterator[str]:
    yield from _all(judge, operands(arguments, valued="-t -O"), wholly=True)


def _openssl(judge: Judge, arguments: Arguments) -> Iterator[str]:
    for word, following in pairwise(arguments):
        if word in ("-out", "-keyout", "-CAserial", "-writerand"):
            yield from judge.write(following)


def _sort(judge: Judge, arguments: Arguments) -> Iterator[str]:
    target = option(arguments, "-o", "--output")
    if target is not None:
        yield from judge.write(target)


def _second(judge: Judge, arguments: Arguments) -> Iterator[str]:
    yield from _all(judge, operands(arguments, valued="-f -s -w")[1:])


def _yq(judge: Judge, arguments: Arguments) -> Iterator[str]:
    if has_flag(arguments, "i", "--inplace"):
        yield from _all(judge, operands(arguments)[1:])


def _netcat(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if any(word.startswith(("-e", "-c", "--exec", "--sh-exec", "--lua-exec")) for word in arguments):
        yield STRANGE


def _restic(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if not {"restore", "mount", "-o", "--option", "--password-command", "-p"}.isdisjoint(arguments):
        yield STRANGE


RULES_OF_FILES: dict[str, ProgramRule] = {
    **dict.fromkeys(("tee", "touch", "truncate", "mkfifo"), _writes),
    "mkdir": _mkdir,
    **dict.fromkeys(("rm", "rmdir", "unlink", "shred"), _removes),
    "chmod": _changes_permissions,
    **dict.fromkeys(("chown", "chgrp", "chattr", "setfacl", "setcap"), _changes_mode),
    **dict.fromkeys(("cp", "install"), _places),
    "mv": _moves,
    "ln": _links,
    "dd": _dd,
    "curl": _curl,
    "wget": _wget,
    "tar": _tar,
    "unzip": _unzip,
    "git": _git,
    "rsync": _rsync,
    "sed": _sed,
    **dict.fromkeys(("awk", "gawk", "mawk"), _awk),
    "find": _find,
    "mount": _mount,
    "umount": _umount,
    "openssl": _openssl,
    "mktemp": _writes,
    **dict.fromkeys(("gzip", "gunzip", "xz", "unxz", "bzip2", "bunzip2", "zstd", "unzstd"), _writes),
    "sort": _sort,
    "uniq": _second,
    "yq": _yq,
    **dict.fromkeys(("nc", "ncat"), _netcat),
    "restic": _restic,
    "ss": _ss,
}
