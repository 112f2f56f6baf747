"""kube-vip's manifests -> the address that it holds for the API, and the card on which it does (kube-vip.io, "Flags and
Environment Variables": `address` or `vip_address`, `vip_interface`)."""

import re
from collections.abc import Iterator, Mapping

import yaml
from msgspec import Struct

from netwright.text.yaml_parser import LOADER
from netwright.verify.reading.formats.cloudinit import is_deep
from netwright.verify.values.addresses import AddressNumber, parse_ip
from netwright.verify.values.facts import Origin

_FOLDERS = re.compile(
    r"/var/lib/rancher/(?:k3s|rke2)/(?:server/manifests|agent/pod-manifests)/.*|/etc/kubernetes/manifests/.*"
)
_ADDRESSES = ("address", "vip_address")
_CARD = "vip_interface"


class KubeVip(Struct, frozen=True, kw_only=True):
    """A container of kube-vip's: the IPv4 address, and the card if one is named, each with its line."""

    ip: AddressNumber
    origin: Origin
    card: str | None = None
    card_origin: Origin | None = None


def read_kube_vip(files: Mapping[str, tuple[str, str]]) -> tuple[KubeVip, ...]:
    """Return what delivered manifests say, of files by path, each with where a person finds it and its text; what is no
    YAML is no manifest that Kubernetes takes."""
    found: list[KubeVip] = []
    for path, (shown, text) in files.items():
        if _FOLDERS.fullmatch(path) is not None and "kube-vip" in text and not is_deep(text):
            try:
                documents = [*yaml.compose_all(text, Loader=LOADER)]
            except (yaml.YAMLError, ValueError, RecursionError):
                continue
            for document in documents:
                found += _of_containers(document, shown)
    return tuple(found)


def _of_containers(node: yaml.Node | None, shown: str) -> Iterator[KubeVip]:
    """Yield what the variables of containers say, wherever in a document they stand."""
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        parts = node.value
    elif isinstance(node, yaml.MappingNode):
        parts = [value for _, value in node.value]
        keys = {str(key.value): value for key, value in node.value}
        if "/kube-vip" in str(getattr(keys.get("image"), "value", "")):
            yield from _of_variables(keys.get("env"), shown)
    for part in parts:
        yield from _of_containers(part, shown)


def _of_variables(node: yaml.Node | None, shown: str) -> Iterator[KubeVip]:
    said: dict[str, yaml.Node] = {}
    for part in node.value if isinstance(node, yaml.SequenceNode) else ():
        keys = {str(key.value): value for key, value in part.value} if isinstance(part, yaml.MappingNode) else {}
        if "name" in keys and "value" in keys:
            said[str(keys["name"].value)] = keys["value"]
    value = next((said[name] for name in _ADDRESSES if name in said), None)
    ip = parse_ip(str(value.value)) if value is not None else None
    if value is None or ip is None:
        return
    card = said.get(_CARD)
    yield KubeVip(
        ip=AddressNumber(ip),
        origin=_origin(value, shown),
        card=str(card.value) if card is not None and card.value else None,
        card_origin=_origin(card, shown) if card is not None else None,
    )


def _origin(node: yaml.Node, shown: str) -> Origin:
    return Origin(file=shown, line=node.start_mark.line + 1)
