"""Files to write: those of a node, and those next to them in its folder below OUT."""

from msgspec import Struct, field

from netwright.text.report import Report


class NodeFile(Struct, frozen=True, kw_only=True):
    """A file as it lies on the node: absolute path, bytes, permission bits, and owner as USER:GROUP."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root:root"


class Artifact(Struct, frozen=True, kw_only=True):
    """A file next to rootfs/ in a node's folder, such as master1.ign: path relative to that folder, and bytes."""

    path: str
    content: bytes


class NodeTree(Struct, frozen=True, kw_only=True):
    """Everything below out/NODE except its manifest, sorted by path, and what was found while it was made.

    `secrets` are the names of values for which placeholders stand in the artifacts.
    """

    node: str
    files: tuple[NodeFile, ...]
    artifacts: tuple[Artifact, ...]
    report: Report = field(default_factory=Report)
    secrets: tuple[str, ...] = ()
