"""Settings of a file as lines of sections and keys, and which of them a change touches."""

from collections import Counter
from collections.abc import Iterator

from netwright.rollout.values import ChangedFile

Setting = tuple[str, str, str]
"""A line: its section (empty where the format has none), key and value."""

_COMMENTS = ("#", ";")


def read_settings(text: str | None) -> Iterator[Setting]:
    """Yield the settings of units, profiles, ifcfg files and sysctl.d, in order."""
    section = ""
    for line in (text or "").splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith(_COMMENTS):
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            section = stripped[1:-1]
            continue
        key, _, value = stripped.partition("=")
        yield section, key.strip(), value.strip()


def changed_settings(file: ChangedFile) -> tuple[list[Setting], list[Setting]]:
    """The settings that go and those that come, each as often as it does."""
    was, now = (Counter(read_settings(text)) for text in (file.before, file.after))
    return [*(was - now).elements()], [*(now - was).elements()]


def touched(file: ChangedFile) -> set[tuple[str, str]]:
    """The sections and keys of which a setting comes or goes."""
    return {(section, key) for side in changed_settings(file) for section, key, _ in side}


def lost_addresses(file: ChangedFile, key: str) -> tuple[str, ...]:
    """A note on each address that no line has any more, by its key, which may have a number behind it."""
    was, now = (_values(text, key) for text in (file.before, file.after))
    return tuple(f"{address} goes, and its connections end" for address in sorted(was - now))


def _values(text: str | None, key: str) -> set[str]:
    return {value for _, name, value in read_settings(text) if _names(name, key)}


def _names(name: str, key: str) -> bool:
    return name.rstrip("0123456789") == key


def changed_lines(file: ChangedFile) -> tuple[str, ...]:
    """The lines that go and come, with their sign."""
    was, now = (Counter((text or "").splitlines()) for text in (file.before, file.after))
    gone, come = was - now, now - was
    lost = (f"- {line.strip()}" for line in (file.before or "").splitlines() if line in gone)
    return (*lost, *(f"+ {line.strip()}" for line in (file.after or "").splitlines() if line in come))
