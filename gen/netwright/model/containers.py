"""Docker on a node: where its containers are, and what they are reached by."""

from typing import Literal

from msgspec import Struct

from netwright.model.setting import Setting

ContainerNetwork = Literal["bridge", "host"]
DOCKER_BRIDGE = "docker0"
"""Docker's default bridge (dockerd, --bridge)."""


class Published(Struct, frozen=True, kw_only=True):
    """Ports of a node at which a container answers, and the port that the container itself has, if that is another."""

    protocol: str
    ports: tuple[int, int]
    to_port: int | None


class Docker(Struct, frozen=True, kw_only=True):
    """Docker: whether it runs, the network of its containers (None where it is not stated), and what these publish."""

    runs: bool
    network: ContainerNetwork | None = None
    publish: tuple[Setting[Published], ...] = ()
