"""Machines that boot, and are reached over ssh from the network's gateway; standing once for all tests of a module."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec import Struct

from netwright.lab.booted.building import BootedNetwork
from netwright.lab.booted.delivery import SEED
from netwright.lab.booted.machine import BootedMachine, Startup, booting
from netwright.lab.machine import poll
from tests.live.booted import booted_network
from tests.netwright import Run, command, environment, netwright
from tests.once import cache_of_booted, room_to_boot

TOPOLOGY = """\
version: 1
name: changed
networks:
  lan: {cidr: 10.1.0.0/24, router: gw}
nodes:
  gw: {os: unmanaged, forward: true, interfaces: {lan0: {network: lan, address: 10.1.0.1}}}
  lb1:
    os: rocky10
    interfaces: {eth0: {network: lan, address: 10.1.0.2}}
    firewall: {input: {policy: drop, rules: [{allow: [tcp/22, icmp]}]}}
  master1: {os: flatcar, interfaces: {eth0: {network: lan, address: 10.1.0.3}}}
flows:
  answers: {from: [master1], to: [lb1], allow: [tcp/22]}
"""
ADDRESSES = {"lb1": "10.1.0.2", "master1": "10.1.0.3"}
_SERVER = """\
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/own.pub
PidFile {folder}/{node}.pid
StrictModes no
UsePAM no
SetEnv SHLVL=1
PasswordAuthentication no
ForceCommand {folder}/{node}.enter
"""
"""By SHLVL bash takes itself for an inner shell, and does not read ~/.bashrc, which may take longer than the rest."""
_ENTER = """\
#!/bin/sh
read -r pid < {folder}/{node}.machine
exec nsenter --target "$pid" --mount --uts --ipc --pid --net -- sh -c "$SSH_ORIGINAL_COMMAND"
"""
_CLIENT = """\
Host *
    User root
    IdentityFile {folder}/own
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known
    StrictHostKeyChecking yes
    ConnectTimeout 2
"""


class Cluster(Struct, frozen=True, kw_only=True):
    """A project with its OUT, and the machines that booted from it."""

    folder: Path
    network: BootedNetwork
    machines: dict[str, BootedMachine]
    first: dict[str, str]
    running: contextlib.ExitStack

    def run(self, *words: str, stdin: bytes = b"") -> Run:
        """Run netwright on the gateway, with ssh's configuration."""
        with self.network.spaces.enter("gw"):
            return netwright(*words, cwd=self.folder, env=self.environment(), stdin=stdin)

    def environment(self) -> dict[str, str]:
        """The environment of commands."""
        return environment(HOME=str(self.folder), XDG_STATE_HOME=str(self.folder / "state"))

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start netwright on the gateway."""
        with self.network.spaces.enter("gw"):
            return subprocess.Popen(
                command(*words),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )

    def apply(self, *words: str) -> Run:
        """Apply OUT without asking."""
        return self.run("apply", "--yes", "--ssh-config", "ssh_config", *words)

    def generate(self, *changes: tuple[str, str]) -> None:
        """Generate OUT from the topology with other texts in places of some."""
        text = TOPOLOGY
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.folder / "topology.yaml").write_text(text)
        run = netwright("generate", "-q", cwd=self.folder)
        assert run.status == 0, run.stderr

    def read(self, node: str, path: str) -> str:
        """The text of a machine's file, with its mode and owner before it."""
        done = self.machines[node].run("sh", "-c", 'stat -c "%a %U:%G" "$1" && cat "$1"', "sh", path)
        return done.stdout

    def files(self, node: str) -> str:
        """The digests, modes and owners of all files of a machine's /etc, but for the unit that undoes at boot."""
        script = (
            "cd /etc; find . ! -path '*netwright-undo*' ! -path '*sysinit.target.wants*' ! -name '*.cache' "
            "! -path './.*' ! -name resolv.conf -type f -printf '%m %U:%G %p ' -exec sha256sum '{}' ';' | sort -k 3; "
            "find . -type l ! -path '*netwright-undo*' -printf '%p %l\\n' | sort"
        )
        return self.machines[node].run("sh", "-c", script).stdout

    @contextlib.contextmanager
    def answering(self, node: str, script: str) -> Iterator[None]:
        """While the block lasts, the machine answers whoever asks by a script of its own; "$machine" is what it would
        do else, with the command in SSH_ORIGINAL_COMMAND."""
        place = self.folder / f"{node}.enter"
        kept = place.read_text()
        place.with_suffix(".kept").write_text(kept)
        place.with_suffix(".kept").chmod(0o755)
        place.write_text(f"#!/bin/sh\nmachine={place.with_suffix('.kept')}\n{script}\n")
        try:
            yield
        finally:
            place.write_text(kept)

    def reboot(self, node: str, *, twice: bool = False) -> None:
        """Boot a machine again without a warning, as after a power cut; `twice` where it then boots by itself again."""
        self.machines[node].run("systemctl", "reboot", "--force", "--force")
        self.machines[node].process.wait(20)
        boot = self._boot(node)
        if twice:
            boot.starting[node].process.wait(60)
            boot = self._boot(node)
        assert poll(lambda: not boot.waiting(), seconds=60)
        self.machines[node] = boot.machines[node]
        (self.folder / f"{node}.machine").write_text(f"{boot.machines[node].pid}\n")

    def _boot(self, node: str) -> Startup:
        roots = self.network.roots
        # The namespace stays, where a machine would find cards without an address.
        self.network.spaces.run(node, ["ip", "address", "flush", "dev", "eth0"])
        self.network.spaces.run(node, ["ip", "route", "flush", "table", "all", "dev", "eth0"])
        self.network.spaces.attempt(node, ["nft", "flush", "ruleset"])
        seed = f"/run/seeds/{node}"
        bind = f"{seed}:{SEED}" if roots.world.path(seed).exists() else ""
        again = booting(roots.world, {node: f"/run/roots/{node}/root"}, {node: f"/run/netns/{node}"}, {node: bind})
        return self.running.enter_context(again)

    def has_change(self, node: str) -> bool:
        """Whether a change is under way on the machine."""
        look = "[ -L /var/lib/netwright/pending ] || [ -L /var/lib/netwright/undoing ]"
        return self.machines[node].run("sh", "-c", look).returncode == 0


@contextlib.contextmanager
def _servers(folder: Path, network: BootedNetwork) -> Iterator[None]:
    """A server in the network of each machine, by whose connections one is on the machine."""
    Path("/run/sshd").mkdir(exist_ok=True)
    for key in ("host", "own"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{key}"], check=True)
    host = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known").write_text("".join(f"{address} {host}\n" for address in ADDRESSES.values()))
    (folder / "ssh_config").write_text(_CLIENT.format(folder=folder))
    with contextlib.ExitStack() as running:
        for node, address in ADDRESSES.items():
            (folder / f"{node}.machine").write_text(f"{network.machines[node].pid}\n")
            (folder / f"{node}.enter").write_text(_ENTER.format(folder=folder, node=node))
            (folder / f"{node}.enter").chmod(0o755)
            (folder / f"{node}.sshd").write_text(_SERVER.format(folder=folder, node=node, address=address))
            running.enter_context(_server(network, node, folder / f"{node}.sshd"))
        assert poll(lambda: all(_answers(network, folder, node) for node in ADDRESSES), seconds=20)
        yield


@contextlib.contextmanager
def _server(network: BootedNetwork, node: str, configuration: Path) -> Iterator[None]:
    with (
        network.spaces.enter(node),
        subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", configuration], stderr=subprocess.DEVNULL) as server,
    ):
        pass_on = server
        try:
            yield
        finally:
            pass_on.terminate()


def _answers(network: BootedNetwork, folder: Path, node: str) -> bool:
    words: Sequence[str] = ["ssh", "-F", f"{folder}/ssh_config", "-o", f"HostName={ADDRESSES[node]}", node, "true"]
    return not network.spaces.attempt("gw", words)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The network that stands."""
    folder = tmp_path_factory.mktemp("apply")
    (folder / "topology.yaml").write_text(TOPOLOGY)
    with (
        cache_of_booted(tmp_path_factory),
        room_to_boot(tmp_path_factory),
        booted_network(folder / "topology.yaml", folder / "out") as network,
        _servers(folder, network),
        contextlib.ExitStack() as running,
    ):
        machines = {**network.machines}
        cluster = Cluster(folder=folder, network=network, machines=machines, first={}, running=running)
        assert cluster.apply().status == 0
        cluster.first.update({node: cluster.files(node) for node in ADDRESSES})
        yield cluster


@pytest.fixture
def cluster(standing: Cluster) -> Cluster:
    """The network with all machines as they booted."""
    standing.generate()
    if {node: standing.files(node) for node in ADDRESSES} != standing.first:
        run = standing.apply("--parallel", "2")
        assert run.status == 0, run.stdout + run.stderr
    return standing
