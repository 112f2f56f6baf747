"""The real firewalld, as installed, in namespaces of its own: the rules that it loads."""

import re
import subprocess

_SCRIPT = """
mount -t tmpfs tmpfs /run && mkdir -p /run/dbus
mount -t tmpfs tmpfs /etc/firewalld && mkdir /etc/firewalld/zones
ip link set lo up
timeout 60 dbus-daemon --system --nofork --nopidfile 2>/dev/null &
while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.1; done
timeout 60 /usr/sbin/firewalld --nofork --nopid 2>/dev/null &
for _ in $(seq 100); do timeout 5 firewall-cmd --quiet --state 2>/dev/null && break; sleep 0.2; done
nft list table inet firewalld
"""
_CHAIN = re.compile(r"^\tchain (\S+) \{\n(.*?)^\t\}$", re.MULTILINE | re.DOTALL)


def loaded_rules() -> dict[str, list[str]]:
    """The lines of each chain; its processes end with the namespace of their numbers."""
    command = ["unshare", "--net", "--mount", "--pid", "--kill-child", "--fork", "--mount-proc", "sh", "-c", _SCRIPT]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return {name: [line.strip() for line in body.splitlines()] for name, body in _CHAIN.findall(done.stdout)}


def in_line(chains: dict[str, list[str]], name: str) -> list[str]:
    """The chain's rules in the order in which a packet meets them, those of the chains that it calls among them."""
    met = []
    for line in chains[name]:
        verb, _, target = line.rpartition(" ")
        if verb in ("jump", "goto"):
            met += in_line(chains, target)
        else:
            met.append(line)
    return met
