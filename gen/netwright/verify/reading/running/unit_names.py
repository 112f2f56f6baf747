"""Names of units, and which of a system's units may change the network when they start or stop."""

from fnmatch import fnmatchcase

from netwright.verify.reading.running.paths import UNSURE, is_known
from netwright.verify.reading.running.tables import APPLIERS, UNITS

_SUFFIXES = (
    ".service",
    ".target",
    ".socket",
    ".timer",
    ".path",
    ".mount",
    ".automount",
    ".swap",
    ".slice",
    ".scope",
    ".device",
)


def stem(unit: str) -> str:
    """The name of a unit without its suffix."""
    return next((unit.removesuffix(suffix) for suffix in _SUFFIXES if unit.endswith(suffix)), unit)


def full_name(unit: str) -> str:
    """The name of a unit with its suffix, a service's by default."""
    return unit if unit.endswith(_SUFFIXES) else f"{unit}.service"


def template_of(unit: str) -> str:
    """The template that a unit is an instance of: x@1.service is one of x@.service."""
    whole = full_name(unit)
    head, at, tail = whole.partition("@")
    return f"{head}@.{tail.rpartition('.')[2]}" if at else whole


def is_on_list(name: str, patterns: "dict[str, str] | tuple[str, ...] | frozenset[str]") -> bool:
    """Return whether a name, or a pattern that it suits, is on a list."""
    return name in patterns or any(fnmatchcase(name, one) for one in patterns if "*" in one)


def refuse_starting(unit: str, *, docker: bool = False, firewalld: bool = False) -> str | None:
    """Return why a system's or a package's unit may change the network at its start, None if it cannot, or if what it
    does is modelled: Docker and firewalld where the topology has them."""
    if is_known(unit) and is_on_list(stem(unit), UNITS):
        return None
    if firewalld and stem(unit) == "firewalld":
        return None
    if stem(unit) == "docker":
        return None if docker else f"starts {unit}, which adds rules; state docker: true for the node"
    return f"starts {unit.replace(UNSURE, '...')}, which is not known to leave the network alone"


def refuse_stopping(unit: str, *, firewalld: bool = False) -> str | None:
    """Return why a unit must not be stopped, None if nothing depends on it."""
    if not is_known(unit) or stem(unit) in APPLIERS or (firewalld and stem(unit) == "firewalld"):
        return f"stops {unit.replace(UNSURE, '...')}, on which the network depends"
    return None
