"""Effects of dockerd on packets that its machine forwards, as verify predicts them: judged by the program."""

import shutil
from contextlib import ExitStack

import pytest

from netwright.lab.machine import LabMachine, boot
from netwright.lab.machine import poll as await_that
from netwright.verify.network_model.programs import DOCKER, DOCKER_NETWORK, docker_rules
from tests.rigs.wires import Nic, await_carriers, wire

_PATH = {"PATH": "/run/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_TABLES = ("iptables", "ip6tables", "iptables-save", "iptables-restore")


def test_docker_drops_what_is_forwarded_unless_it_was_before_it_started() -> None:
    missing = [name for name in ("dockerd", "containerd", "xtables-nft-multi") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    forwards = {"off": "0", "on": "1"}
    with boot(*(f"{role}-{state}" for state in forwards for role in ("client", "router", "server"))) as booted:
        machines = {machine.name: machine for machine in booted}
        with ExitStack() as daemons:
            for state, value in forwards.items():
                client, router, server = (machines[f"{role}-{state}"] for role in ("client", "router", "server"))
                _connect(client, router, server)
                router.run("sh", "-c", f"echo {value} > /proc/sys/net/ipv4/ip_forward")
                _start(router, daemons)
            await_carriers(*booted)
            routers = {state: machines[f"router-{state}"] for state in forwards}
            assert await_that(lambda: all(map(_is_up, routers.values())), seconds=60)
            pings = {state: _answers(machines[f"client-{state}"]) for state in forwards}
            policies = {state: _policy(router) for state, router in routers.items()}
            forwarding = {
                state: router.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout.strip()
                for state, router in routers.items()
            }
            translation = routers["on"].run("nft", "list", "chain", "ip", "nat", "POSTROUTING").stdout

    assert pings == {"off": False, "on": True}
    assert policies == {"off": "drop", "on": "accept"}
    assert forwarding == {"off": "1", "on": "1"}
    assert f"policy {policies['off']}" in docker_rules("drop")
    for text in (translation.replace("counter packets 0 bytes 0 ", ""), docker_rules("accept")):
        assert f'oifname != "{DOCKER}" ip saddr {DOCKER_NETWORK} masquerade' in text


def _connect(client: LabMachine, router: LabMachine, server: LabMachine) -> None:
    wire(router, Nic(name="n0"), client, Nic(name="e0"))
    wire(router, Nic(name="n1"), server, Nic(name="e0"))
    for machine, card, address in (
        (client, "e0", "10.1.0.10/24"),
        (router, "n0", "10.1.0.1/24"),
        (router, "n1", "10.2.0.1/24"),
        (server, "e0", "10.2.0.10/24"),
    ):
        machine.run("ip", "link", "set", card, "up")
        machine.run("ip", "address", "add", address, "dev", card)
    client.run("ip", "route", "add", "default", "via", "10.1.0.1")
    server.run("ip", "route", "add", "default", "via", "10.2.0.1")


def _start(router: LabMachine, daemons: ExitStack) -> None:
    """containerd and dockerd; iptables is a link below /etc on Debian, of which the machine has its own."""
    router.run("ip", "link", "set", "lo", "up")
    router.run("mkdir", "-p", "/run/bin")
    for name in _TABLES:
        router.run("ln", "-s", "/usr/sbin/xtables-nft-multi", f"/run/bin/{name}")
    socket = "/run/containerd.sock"
    places = ("--root=/var/lib/containerd", "--state=/run/containerd-state")
    daemons.enter_context(router.daemon("containerd", f"--address={socket}", *places, environment=_PATH))
    assert await_that(lambda: router.run("test", "-S", socket, check=False).returncode == 0, seconds=30)
    own = ("--data-root=/var/lib/docker", "--exec-root=/run/docker", "--pidfile=/run/docker.pid")
    host = "--host=unix:///run/docker.sock"
    daemons.enter_context(router.daemon("dockerd", f"--containerd={socket}", host, *own, environment=_PATH))


def _is_up(router: LabMachine) -> bool:
    return router.run("test", "-S", "/run/docker.sock", check=False).returncode == 0


def _answers(client: LabMachine) -> bool:
    return client.run("ping", "-c", "1", "-W", "2", "10.2.0.10", check=False).returncode == 0


def _policy(router: LabMachine) -> str:
    chain = router.run("nft", "list", "chain", "ip", "filter", "FORWARD").stdout
    return chain.partition("policy ")[2].partition(";")[0]
