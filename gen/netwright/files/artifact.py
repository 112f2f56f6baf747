"""Files to write: those of a node, and those next to them in its folder below OUT."""

from dataclasses import dataclass, field

from netwright.text.report import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFile:
    """A file as it lies on the node: absolute path, bytes, permission bits, and owner as USER:GROUP."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root:root"


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file next to rootfs/ in a node's folder, such as master1.ign: path relative to that folder, and bytes."""

    path: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeTree:
    """Everything below out/NODE except its manifest, sorted by path, and what was found while it was made."""

    node: str
    files: tuple[NodeFile, ...]
    artifacts: tuple[Artifact, ...]
    report: Report = field(default_factory=Report)
