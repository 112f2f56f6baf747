"""The rules of other programs on a machine, where the topology has them: firewalld and Docker.

What they refuse counts for a flow that must arrive. A flow that must not is not proved by it: firewalld forwards
between the cards of a zone since version 1.0, and both are asked to let more through by their administrator. Of a
firewalld whose configuration is among the machine's files these decide (`firewalld.py`).
"""

from collections.abc import Iterator, Sequence

from netwright.verify.reading.configuration import Configuration
from netwright.verify.values.addresses import AddressNumber
from netwright.verify.values.firewalld import Firewalld
from netwright.verify.values.wiring import PublishedPorts, Wiring

RUNNING = frozenset({"managed", "running"})
"""States of a firewalld that runs."""
DOCKER = "docker0"
DOCKER_NETWORK = "172.17.0.0/16"
"""Docker's default bridge and its network (dockerd, --bip)."""
CONTAINER, CONTAINER_IP = "172.17.0.2", AddressNumber(0xAC110002)
"""The first container's address, which stands for all: they differ in nothing that a rule asks about."""


def runs_firewalld(configuration: Configuration, wiring: Wiring) -> bool:
    """Return whether firewalld runs: the topology has it, or has it masked and no file of the machine masks it."""
    state = wiring.firewalld.get(configuration.node)
    if state == "managed" and configuration.masks_firewalld:
        return False
    return state in RUNNING or (state == "masked" and configuration.managed and not configuration.masks_firewalld)


def own_firewalld(configuration: Configuration, wiring: Wiring) -> Firewalld | None:
    """The machine's own configuration of a firewalld that runs by the topology, None if it has none."""
    is_stated = wiring.firewalld.get(configuration.node) in RUNNING
    return configuration.firewalld if is_stated and runs_firewalld(configuration, wiring) else None


def program_rules(configuration: Configuration, wiring: Wiring, *, forwards: bool) -> Iterator[tuple[str, str]]:
    """The programs that run on the machine, each with its rules; `forwards`: its files turn forwarding on at boot."""
    if runs_firewalld(configuration, wiring) and own_firewalld(configuration, wiring) is None:
        yield "firewalld", FIREWALLD_RULES
    if configuration.node in wiring.docker:
        published = wiring.containers.get(configuration.node, ())
        yield "Docker", docker_rules("accept" if forwards else "drop", published)


FIREWALLD_RULES = """table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		iifname "lo" accept
		ct state invalid drop
		tcp dport 22 accept comment "zone public, service ssh"
		tcp dport 9090 accept comment "zone public, service cockpit"
		meta l4proto { icmp, ipv6-icmp } accept
		reject with icmpx type admin-prohibited
	}
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		iifname "lo" accept
		ct state invalid drop
		reject with icmpx type admin-prohibited
	}
}
"""
"""firewalld's default zone, as firewalld 1.3 writes it with its chains in line; on Enterprise Linux with cockpit."""


def docker_rules(policy: str, published: Sequence[PublishedPorts] = ()) -> str:
    """Rules by which Docker refuses, those of its default bridge; `policy` is its forward chain's: drop where Docker
    itself had to turn forwarding on as it started. Since version 28 containers are reached from outside by what they
    publish only (docs.docker.com, "Packet filtering and firewalls")."""
    towards = f'iifname != "{DOCKER}" oifname "{DOCKER}" ip daddr {CONTAINER}'
    accepts = "".join(f"\n\t\t{towards} {one.protocol} dport {_inner(one)} accept" for one in published)
    return f"""table ip docker {{
	chain raw {{
		type filter hook prerouting priority raw; policy accept;
		iifname != "{DOCKER}" ip daddr {DOCKER_NETWORK} drop
	}}
	chain forward {{
		type filter hook forward priority filter; policy {policy};
		oifname "{DOCKER}" ct state established,related accept{accepts}
		iifname "{DOCKER}" accept
		oifname "{DOCKER}" drop
	}}
}}
"""


def docker_translation(published: Sequence[PublishedPorts]) -> str:
    """Return how Docker leads what is for published ports on to a container, and hides what containers send.

    What a container sends to a published port of its own machine goes to docker-proxy, which listens there as well: it
    stays on the machine, and is no flow's.
    """
    own = f'iifname != "{DOCKER}" fib daddr type local'
    led_on = "".join(
        f"\n\t\t{own} {one.protocol} dport {_range(one.ports)} dnat to {_target(one)}" for one in published
    )
    return f"""table ip docker-nat {{
	chain prerouting {{
		type nat hook prerouting priority dstnat; policy accept;{led_on}
	}}
	chain postrouting {{
		type nat hook postrouting priority srcnat; policy accept;
		oifname != "{DOCKER}" ip saddr {DOCKER_NETWORK} masquerade
	}}
}}
"""


def _target(published: PublishedPorts) -> str:
    return CONTAINER if published.to_port is None else f"{CONTAINER}:{published.to_port}"


def _inner(published: PublishedPorts) -> str:
    return _range(published.ports) if published.to_port is None else str(published.to_port)


def _range(ports: tuple[int, int]) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"
