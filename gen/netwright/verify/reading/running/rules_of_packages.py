"""Package managers: which packages are more than files, and which the network needs."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from netwright.verify.reading.running.arguments import has_flag, operands
from netwright.verify.reading.running.judge import STRANGE, Arguments, Judge, ProgramRule
from netwright.verify.reading.running.paths import UNSURE, is_known, words_of
from netwright.verify.reading.running.tables import NETWORK_PACKAGES, PACKAGES_BEYOND

_INSTALLING = words_of("install localinstall reinstall groupinstall group")


_REMOVING = words_of("remove erase autoremove autoerase purge downgrade swap distro-sync")


def refuse_package(name: str, *, expected: frozenset[str] = frozenset()) -> str | None:
    """Return why a package is more than files, None if it is not. Of the `expected` the unit is masked, or what it
    does is modelled."""
    plain = name.partition("=")[0].lower() if is_known(name) else name
    if not is_known(plain) or "://" in plain or plain.startswith("/") or plain.endswith(".rpm"):
        return f"installs {name.replace(UNSURE, '...')}, whose scripts are not known"
    found = next((one for one in PACKAGES_BEYOND if fnmatchcase(plain, one.lower())), None)
    if found is None or found in expected:
        return None
    return f"installs {name}, which {PACKAGES_BEYOND[found]}"


def _dnf(judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(
        arguments,
        valued="""
            -c --config --enablerepo --disablerepo --repo -x --exclude --setopt -d -e --releasever --installroot
        """,
    )
    if not words or "-c" in arguments or "--installroot" in arguments:
        yield STRANGE
    elif words[0] in _INSTALLING:
        for package in words[1:]:
            reason = refuse_package(package, expected=judge.expected)
            if reason is not None:
                yield reason
    elif words[0] in _REMOVING:
        needed = NETWORK_PACKAGES.split()
        if len(words) < 2 or any(
            not is_known(one) or any(fnmatchcase(one, name) for name in needed) for one in words[1:]
        ):
            yield f"{words[0]} takes packages away that the network may need"


def _rpm(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    if not has_flag(arguments, "q", "--import", "--query", "--version", "-V", "--verify", "--eval"):
        yield STRANGE


RULES_OF_PACKAGES: dict[str, ProgramRule] = {
    **dict.fromkeys(("dnf", "yum", "microdnf", "dnf5", "apt-get", "apt"), _dnf),
    "rpm": _rpm,
}
