"""libvirt's networks: its own schema for them, and what a KVM host's kernel has once it started one."""

from xml.etree import ElementTree

from msgspec import Struct

from netwright.lab.machine import LabMachine, run


class NetworkRoute(Struct, frozen=True, kw_only=True):
    """A static route by the network's bridge."""

    to: str
    via: str
    metric: int | None


class Network(Struct, frozen=True, kw_only=True):
    """Network in a libvirt XML file; `forward` is None for one that is isolated."""

    name: str
    uuid: str
    bridge: str
    forward: str | None
    dns: bool
    mtu: int | None
    addresses: tuple[str, ...]
    routes: tuple[NetworkRoute, ...]


def network_complaints(path: str) -> str:
    """Return virt-xml-validate's complaints about a file that is to be a libvirt network; "" if it is one."""
    done = run("virt-xml-validate", path, "network", check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "refused without a word"


def read_network(text: str) -> Network:
    """The network that the XML describes; elements that are not named here are left out."""
    root = ElementTree.fromstring(text)
    forward, mtu, dns = root.find("forward"), root.find("mtu"), root.find("dns")
    bridge = root.find("bridge")
    return Network(
        name=root.findtext("name", ""),
        uuid=root.findtext("uuid", ""),
        bridge="" if bridge is None else bridge.get("name", ""),
        # The mode of a <forward/> without one is nat.
        forward=None if forward is None else forward.get("mode", "nat"),
        dns=dns is None or dns.get("enable") != "no",
        mtu=None if mtu is None else int(mtu.get("size", "")),
        addresses=tuple(f"{ip.get('address')}/{ip.get('prefix')}" for ip in root.findall("ip")),
        routes=tuple(
            NetworkRoute(
                to=f"{route.get('address')}/{route.get('prefix')}",
                via=route.get("gateway", ""),
                metric=int(route.get("metric", "")) if route.get("metric") else None,
            )
            for route in root.findall("route")
        ),
    )


def start_network(machine: LabMachine, network: Network) -> None:
    """The bridge with its addresses and routes, as libvirt makes it for a network whose forward mode is open.

    The other modes bring rules of libvirt's own, which are not made here.
    """
    if network.forward != "open":
        raise ValueError(f"{network.name}: forward mode {network.forward} brings rules of libvirt's own")
    lines = [f"link add name {network.bridge} type bridge", f"link set dev {network.bridge} up"]
    lines += [f"address add {address} dev {network.bridge}" for address in network.addresses]
    for route in network.routes:
        metric = "" if route.metric is None else f"metric {route.metric}"
        lines.append(f"route add {route.to} via {route.via} dev {network.bridge} {metric}")
    machine.run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in lines))
