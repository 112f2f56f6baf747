"""Networks of libvirt: what follows from a change of their XML.

`virsh net-define` changes what is started next. Routes are the kernel's, and `virsh net-update` tells dnsmasq of hosts
and names while the network is up (libvirt.org, formatnetwork and virsh(1)). For anything else the network is started
again: its bridge is deleted and made again, and the guests' links are on none until libvirt's daemon starts again
(libvirt, commit 85bcc022), or they do.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from shlex import quote
from xml.sax.saxutils import escape, quoteattr

from netwright.rollout.values import ChangedFile, Command, Consequence, Loss, Stage
from netwright.verify.reading.formats.xml_elements import Element, UnreadXml, read_elements

Guests = Mapping[str, tuple[str, ...]]
"""The nodes that hang on each bridge of a host."""

_SECTIONS = {
    ("ip", "dhcp", "host"): "ip-dhcp-host",
    ("ip", "dhcp", "range"): "ip-dhcp-range",
    ("dns", "host"): "dns-host",
}
"""Parts of a network that net-update changes, with its names for them."""

_ROUTE = ("route",)
_Part = tuple[tuple[str, ...], str]
"""The tags that lead to an element, and the element as text."""


def network_xml(file: ChangedFile, guests: Guests) -> Consequence:
    """A network of libvirt's."""
    was, now = _read(file.path, file.before), _read(file.path, file.after)
    network = now or was
    if network is None:
        return Consequence(moment="person", notes=("is no XML; read it before anything is done",))
    name, bridge = _text(network, "name"), _bridge(network)
    define = _virsh(f"net-define {file.path.rpartition('/')[2]}")
    if was is None:
        return Consequence(commands=(define, _virsh(f"net-start {name}"), _virsh(f"net-autostart {name}")))
    is_ours = _mode(was) != "bridge"  # else the host makes the bridge, and keeps it
    lost = guests.get(_bridge(was), ()) if is_ours else ()
    loss = Loss.GUESTS if lost else Loss.SHORT if is_ours else Loss.NONE
    if now is None:
        commands = (_virsh(f"net-destroy {name}", Stage.LEAVE), _virsh(f"net-undefine {name}", Stage.LEAVE))
        return Consequence(commands=commands, loss=loss, guests=lost)
    gone, come = _difference(was, now)
    live = [*_live(name, bridge, gone, "delete"), *_live(name, bridge, come, "add")]
    if None not in live:
        return Consequence(commands=(define, *filter(None, live)))
    restart = (define, _virsh(f"net-destroy {name}"), _virsh(f"net-start {name}"))
    back = (f"{name} starts again; its guests' links are back once libvirt's daemon starts again",) if lost else ()
    daemon = (Command(Stage.NETWORKS, "systemctl try-restart virtqemud.service libvirtd.service"),) if lost else ()
    return Consequence(commands=(*restart, *daemon), loss=loss, notes=back, guests=lost)


def _live(name: str, bridge: str, parts: Counter[_Part], verb: str) -> Iterator[Command | None]:
    """Yield the commands for parts that change while the network is up, None for one that can't."""
    for path, text in parts.elements():
        if path == _ROUTE:
            yield Command(Stage.NETWORKS, f"ip route {'replace' if verb == 'add' else 'del'} {text} dev {bridge}")
        elif path in _SECTIONS:
            yield _virsh(f"net-update {name} {verb} {_SECTIONS[path]} {quote(text)} --live")
        else:
            yield None


def _difference(was: Element, now: Element) -> tuple[Counter[_Part], Counter[_Part]]:
    before, after = Counter(_parts(was, ())), Counter(_parts(now, ()))
    return before - after, after - before


def _parts(element: Element, path: tuple[str, ...]) -> Iterator[_Part]:
    """Yield the elements below one, those that change as a whole with what is in them."""
    for child in element.children:
        below = (*path, child.tag)
        if below == _ROUTE:
            yield below, _route(child.attributes)
        elif below in _SECTIONS:
            yield below, _show(child)
        else:
            yield below, f"{child} {child.text.strip()}"
            yield from _parts(child, below)


def _route(attributes: Mapping[str, str]) -> str:
    """The route as iproute2 takes it; libvirt's metric is 1 where none is stated."""
    prefix = f"{attributes.get('address')}/{attributes.get('prefix')}"
    return f"{prefix} via {attributes.get('gateway')} metric {attributes.get('metric', '1')}"


def _show(element: Element) -> str:
    words = (f"{key}={quoteattr(value)}" for key, value in element.attributes.items())
    inner = escape(element.text.strip()) + "".join(map(_show, element.children))
    start = " ".join([element.tag, *words])
    return f"<{start}>{inner}</{element.tag}>" if inner else f"<{start}/>"


def _virsh(words: str, stage: Stage = Stage.NETWORKS) -> Command:
    return Command(stage, f"virsh {words}")


def _read(path: str, text: str | None) -> Element | None:
    try:
        return read_elements(path, text) if text is not None else None
    except UnreadXml:
        return None


def _text(network: Element, tag: str) -> str:
    return "".join(child.text.strip() for child in network.children if child.tag == tag)


def _bridge(network: Element) -> str:
    return "".join(child.attributes.get("name", "") for child in network.children if child.tag == "bridge")


def _mode(network: Element) -> str:
    return "".join(child.attributes.get("mode", "") for child in network.children if child.tag == "forward")
