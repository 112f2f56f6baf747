"""firewalld's permanent configuration below /etc/firewalld (firewalld.zone(5), .policy(5), .ipset(5), .conf(5)).

What is not known makes all of it unknown: where firewalld 1.3 does not understand one file, or misses a zone or a set
that one names, it falls back to its stock configuration, and none of the files counts (ran).
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from netwright.verify.reading.formats.xml_elements import Element, UnreadXml, read_elements
from netwright.verify.values.addresses import Ranges, merge, network_of, parse_ip, parse_number
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.firewalld import ANY, DEFAULT_ZONE, HOST, End, Firewalld, Policy, RichRule, Zone

FIREWALLD = "/etc/firewalld/"
CONF = f"{FIREWALLD}firewalld.conf"
SERVICES: Mapping[str, tuple[str, ...]] = {
    "cockpit": ("tcp dport 9090",),
    "dhcp": ("udp dport 67",),
    "dhcpv6-client": (),
    "dns": ("tcp dport 53", "udp dport 53"),
    "http": ("tcp dport 80",),
    "https": ("tcp dport 443",),
    "kube-apiserver": ("tcp dport 6443",),
    "mysql": ("tcp dport 3306",),
    "nfs": ("tcp dport 2049",),
    "ntp": ("udp dport 123",),
    "postgresql": ("tcp dport 5432",),
    "smtp": ("tcp dport 25",),
    "ssh": ("tcp dport 22",),
}
"""What a service of firewalld's lets in by IPv4, in nft's words (its config/services, 1.3)."""
_SETTINGS = {
    "CleanupOnExit": "yes|no",
    "CleanupModulesOnExit": "yes|no",
    "DefaultZone": r"[\w-]+",
    "FirewallBackend": "nftables",
    "FlushAllOnReload": "yes|no",
    "IPv6_rpfilter": r"[\w-]+",
    "IndividualCalls": "yes|no",
    "Lockdown": "yes|no",
    "LogDenied": "off",
    "MinimalMark": r"\d+",
    "NftablesCounters": "yes|no",
    "NftablesFlowtable": "off",
    "NftablesTableOwner": "yes|no",
    "ReloadPolicy": r"[\w:,]+",
    "RFC3964_IPv4": "yes|no",
    "StrictForwardPorts": "no",
}
"""Settings that decide nothing about IPv4, with the values for which that is so."""
_VERDICTS = frozenset({"accept", "drop", "reject", "masquerade"})
_PRIORITIES = 32768
"""Bound of a rule's priority and of a policy's."""
_TRUE = frozenset({"yes", "true"})
_ANNOTATIONS = frozenset({"short", "description"})


def read_firewalld(files: Iterable[tuple[str, str, str]]) -> Firewalld:
    """The configuration from its files: path, shown name, text."""
    unknown: list[Unknown] = []
    sets: dict[str, Ranges] = {}
    zones: dict[str, Zone] = {}
    policies: list[Policy] = []
    default_zone = DEFAULT_ZONE
    for path, shown, text in sorted(files):  # sets of addresses come before the policies and zones that name them
        folder, _, file = path.removeprefix(FIREWALLD).rpartition("/")
        name = file.removesuffix(".xml")
        try:
            if path == CONF:
                default_zone = _read_conf(shown, text, unknown)
            elif folder == "ipsets":
                sets[name] = _read_set(_root(shown, text, "ipset"))
            elif folder == "zones":
                zones[name] = _read_zone(_root(shown, text, "zone"), name, sets)
            elif folder == "policies":
                policies.append(_read_policy(_root(shown, text, "policy"), name, sets))
            else:
                unknown.append(_unknown(Origin(file=shown, line=0), "", "a file of firewalld's that is not read"))
        except UnreadXml as error:
            unknown.append(_unknown(error.origin, "", str(error)))
        except _UnknownElement as error:
            unknown.append(_unknown(error.element.origin, str(error.element), str(error)))
    return Firewalld(zones=zones, policies=tuple(policies), default_zone=default_zone, unknown=tuple(unknown))


def _unknown(origin: Origin, text: str, reason: str) -> Unknown:
    return Unknown(origin=origin, text=text, reason=reason, whole=True)


class _UnknownElement(Exception):  # noqa: N818 (a fact about the file)
    """An element that is not known, or not with these attributes."""

    def __init__(self, element: Element, reason: str) -> None:
        super().__init__(reason)
        self.element = element


def _root(shown: str, text: str, tag: str) -> Element:
    root = read_elements(shown, text)
    if root.tag != tag:
        raise _UnknownElement(root, f"not a {tag} of firewalld's")
    return root


def _attributes(element: Element, pattern: str, *, optional: str = "") -> dict[str, str]:
    """The attributes; _UnknownElement if others are there, or one of the pattern's is missing."""
    wanted, allowed = set(pattern.split()), {*pattern.split(), *optional.split()}
    if not wanted <= element.attributes.keys() <= allowed:
        raise _UnknownElement(element, "its attributes are not known")
    return element.attributes


def _read_conf(shown: str, text: str, unknown: list[Unknown]) -> str:
    default_zone = DEFAULT_ZONE
    for number, line in enumerate(text.split("\n"), start=1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        if not equals or re.fullmatch(_SETTINGS.get(key, r"(?!)"), value) is None:
            unknown.append(_unknown(Origin(file=shown, line=number), line.strip(), "a setting that is not known"))
        elif key == "DefaultZone":
            default_zone = value
    return default_zone


def _read_set(root: Element) -> Ranges:
    """The addresses of a set."""
    if _attributes(root, "type", optional="version")["type"] not in ("hash:net", "hash:ip"):
        raise _UnknownElement(root, "a set of another type than hash:net and hash:ip")
    ranges = []
    for child in root.children:
        if child.tag == "entry":
            _attributes(child, "")
            ranges.append(_range(child.text.strip(), child))
        elif child.tag not in _ANNOTATIONS and (child.tag, child.attributes) != _OF_IPV4:
            raise _UnknownElement(child, "not known in a set")
    if not ranges:
        raise _UnknownElement(root, "a set without addresses, which a program may fill")
    return merge(ranges)


_OF_IPV4 = "option", {"name": "family", "value": "inet"}


def _range(text: str, element: Element) -> tuple[int, int]:
    """The addresses of an address or a network, whose host bits count for nothing."""
    address, slash, rest = text.partition("/")
    ip, length = parse_ip(address), parse_number(rest, 32) if slash else 32
    if ip is None or length is None:
        raise _UnknownElement(element, f"{text} is no address of IPv4")
    return network_of(ip, length).range


def _read_zone(root: Element, name: str, sets: Mapping[str, Ranges]) -> Zone:
    target = _attributes(root, "", optional="target version").get("target", "default")
    if target not in ("default", "ACCEPT", "DROP", "%%REJECT%%"):
        raise _UnknownElement(root, "a target that no zone has")
    interfaces: dict[str, Origin] = {}
    forward = False
    for child in root.children:
        if child.tag == "interface":
            interfaces[_attributes(child, "name")["name"]] = child.origin
        elif child.tag == "forward":
            _attributes(child, "")
            forward = True
    lets_in, rules, masquerade = _read_common(root, sets, apart=("interface", "forward"))
    return Zone(
        name=name,
        origin=root.origin,
        target=target,
        interfaces=interfaces,
        lets_in=lets_in,
        rules=rules,
        forward=forward,
        masquerade=masquerade,
    )


def _read_policy(root: Element, name: str, sets: Mapping[str, Ranges]) -> Policy:
    attributes = _attributes(root, "", optional="target priority version")
    target, priority = attributes.get("target", "CONTINUE"), _priority(root, attributes.get("priority", "-1"))
    if target not in ("CONTINUE", "ACCEPT", "DROP", "REJECT") or priority == 0:
        raise _UnknownElement(root, "a target or a priority that no policy has")
    ends: dict[str, list[str]] = {"ingress-zone": [], "egress-zone": []}
    for child in root.children:
        if child.tag in ends:
            ends[child.tag].append(_attributes(child, "name")["name"])
    lets_in, rules, masquerade = _read_common(root, sets, apart=tuple(ends))
    policy = Policy(
        name=name,
        origin=root.origin,
        priority=priority,
        target=target,
        ingress=tuple(ends["ingress-zone"]),
        egress=tuple(ends["egress-zone"]),
        lets_in=lets_in,
        rules=rules,
        masquerade=masquerade,
    )
    _check_ends(root, policy)
    return policy


def _check_ends(root: Element, policy: Policy) -> None:
    """What firewalld refuses: ANY and HOST stand alone, and source NAT is not known by where a packet came from."""
    for zones in (policy.ingress, policy.egress):
        if not zones or (len(zones) > 1 and {ANY, HOST} & set(zones)):
            raise _UnknownElement(root, "firewalld takes ANY or HOST alone, or zones")
    if HOST in policy.ingress and HOST in policy.egress:
        raise _UnknownElement(root, "firewalld takes HOST at one end only")
    translates = policy.masquerade is not None or any(rule.verdict == "masquerade" for rule in policy.rules)
    if translates and (policy.ingress != (ANY,) or HOST in policy.egress):
        raise _UnknownElement(root, "a policy with masquerade is known from ANY only, to a zone or ANY")


def _read_common(
    root: Element, sets: Mapping[str, Ranges], *, apart: tuple[str, ...]
) -> tuple[tuple[tuple[str, Origin], ...], tuple[RichRule, ...], Origin | None]:
    """What zones and policies have in common: services, ports and protocols that are let in, rules, masquerade."""
    lets_in: dict[str, list[tuple[str, Origin]]] = {"service": [], "port": [], "protocol": []}
    rules: list[RichRule] = []
    masquerade: Origin | None = None
    for child in root.children:
        if child.tag in lets_in:
            lets_in[child.tag] += ((words, child.origin) for words in _words(child))
        elif child.tag == "rule":
            rules += _read_rule(child, sets)
        elif child.tag == "masquerade":
            _attributes(child, "")
            masquerade = child.origin
        elif child.tag not in (*apart, *_ANNOTATIONS):
            raise _UnknownElement(child, f"not known in a {root.tag}")
    return tuple(one for every in lets_in.values() for one in every), tuple(rules), masquerade


def _words(element: Element) -> tuple[str, ...]:
    """What a service, port or protocol is in nft's words; none where it is one of IPv6."""
    if element.tag == "service":
        name = _attributes(element, "name")["name"]
        if name not in SERVICES:
            raise _UnknownElement(element, "a service that is not known")
        return SERVICES[name]
    if element.tag == "port":
        attributes = _attributes(element, "port protocol")
        limits = [parse_number(one, 65535) for one in attributes["port"].split("-")]
        if attributes["protocol"] not in ("tcp", "udp", "sctp", "dccp") or None in limits or len(limits) > 2:
            raise _UnknownElement(element, "no port, or of another protocol than tcp, udp, sctp and dccp")
        return (f"{attributes['protocol']} dport {attributes['port']}",)
    value = _attributes(element, "value")["value"]
    if re.fullmatch(r"[a-z][a-z0-9-]*|[0-9]{1,3}", value) is None:
        raise _UnknownElement(element, "no protocol")
    return () if value in ("ipv6-icmp", "icmpv6") else (f"meta l4proto {value}",)


def _priority(element: Element, text: str) -> int:
    number = parse_number(text.removeprefix("-"), _PRIORITIES)
    if number is None or text == str(_PRIORITIES):
        raise _UnknownElement(element, f"{text} is no priority")
    return -number if text.startswith("-") else number


def _read_rule(element: Element, sets: Mapping[str, Ranges]) -> Iterator[RichRule]:
    """A rule, one for each set of ports of a service; none where it is for IPv6."""
    attributes = _attributes(element, "", optional="family priority")
    family = attributes.get("family")
    if family not in (None, "ipv4", "ipv6"):
        raise _UnknownElement(element, "a family that is none")
    if family == "ipv6":
        _check_rule(element)
        return
    children = _check_rule(element)
    ends = {tag: _end(children[tag], sets) for tag in ("source", "destination") if tag in children}
    if family is None and any("address" in children[tag].attributes for tag in ends):
        raise _UnknownElement(element, "firewalld takes an address with a family only")
    what = next((_words(children[tag]) for tag in ("service", "port", "protocol") if tag in children), ("",))
    priority = _priority(element, attributes.get("priority", "0"))
    verdict = next(tag for tag in children if tag in _VERDICTS)
    if priority == 0 and not ends and what == ("",) and verdict != "masquerade":
        raise _UnknownElement(element, "firewalld takes a rule without any condition with a priority only")
    for words in what:
        yield RichRule(
            origin=element.origin,
            verdict=verdict,
            priority=priority,
            is_ipv4=family == "ipv4",
            source=ends.get("source"),
            destination=ends.get("destination"),
            what=words,
        )


def _check_rule(element: Element) -> dict[str, Element]:
    """The elements of a rule by their tags, each there once: ends, one of service, port and protocol, and a verdict."""
    children = {child.tag: child for child in element.children}
    known = {"source", "destination", "service", "port", "protocol", *_VERDICTS}
    for child in element.children:
        if child.tag not in known or child.children:
            raise _UnknownElement(child, "not known in a rule")
    kinds = [tag for tag in children if tag in ("service", "port", "protocol", "masquerade")]
    verdicts = [tag for tag in children if tag in _VERDICTS]
    if len(children) < len(element.children) or len(kinds) > 1 or len(verdicts) != 1:
        raise _UnknownElement(element, "not one condition and one verdict")
    _attributes(children[verdicts[0]], "")
    return children


def _end(element: Element, sets: Mapping[str, Ranges]) -> End:
    attributes = _attributes(element, "", optional="address ipset invert")
    invert = attributes.get("invert", "no").lower() in _TRUE
    if "ipset" in attributes and "address" not in attributes:
        if attributes["ipset"] not in sets:
            raise _UnknownElement(element, "a set that no file has")
        return End(ranges=sets[attributes["ipset"]], invert=invert)
    return End(ranges=(_range(attributes.get("address", ""), element),), invert=invert)
