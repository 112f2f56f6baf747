"""Virtual addresses of a valid document, the Kubernetes API's among them."""

from collections.abc import Iterator, Mapping
from typing import Any

from netwright.model import KUBERNETES_API, Service, Setting, VirtualAddress, Vrrp
from netwright.parse.values import read_ip
from netwright.text.source import TopologyPath

_API_PORT = 6443


def parse_virtual_addresses(document: Mapping[str, Any]) -> Iterator[VirtualAddress]:
    """Yield the virtual addresses: that of the Kubernetes API, then the others in the order of the file."""
    api = document.get("kubernetes", {}).get("api")
    if api is not None:
        port = {"api": {"port": api_port(api)}}
        yield _virtual_address(KUBERNETES_API, {"serves": port, **api}, ("kubernetes", "api"), address="vip")
    for name, stated in document.get("virtual_addresses", {}).items():
        yield _virtual_address(name, stated, ("virtual_addresses", name), address="address")


def api_port(api: Mapping[str, Any]) -> int:
    """The TCP port of the Kubernetes API."""
    port: int = api.get("port", _API_PORT)
    return port


def _virtual_address(name: str, stated: Mapping[str, Any], path: TopologyPath, *, address: str) -> VirtualAddress:
    return VirtualAddress(
        name=name,
        ip=Setting(value=read_ip(stated[address]), cause=(*path, address)),
        holders=_names(stated["holders"], (*path, "holders")),
        vrrp=_vrrp(stated["vrrp"], (*path, "vrrp")) if "vrrp" in stated else None,
        serves=tuple(
            _service(service, one, (*path, "serves", service)) for service, one in stated.get("serves", {}).items()
        ),
        cause=path,
    )


def _vrrp(vrrp: Mapping[str, Any], path: TopologyPath) -> Vrrp:
    return Vrrp(
        id=Setting(value=vrrp["id"], cause=(*path, "id")),
        multicast=vrrp.get("multicast", False),
        interval=vrrp.get("interval", 1),
        cause=path,
    )


def _service(name: str, service: Mapping[str, Any], path: TopologyPath) -> Service:
    return Service(
        name=name,
        port=service["port"],
        to_port=service.get("to_port", service["port"]),
        backends=_names(service.get("backends", ()), (*path, "backends")),
        cause=path,
    )


def _names(names: list[str], path: TopologyPath) -> tuple[Setting[str], ...]:
    return tuple(Setting(value=name, cause=(*path, number)) for number, name in enumerate(names))
