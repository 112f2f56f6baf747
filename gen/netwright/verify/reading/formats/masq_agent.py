"""ip-masq-agent's configuration -> the rules that it writes (github.com/kubernetes-sigs/ip-masq-agent, README).

Whatever leaves for an address that is not the node's own, and on no network of the list, is masqueraded: what comes in
for pods as well. A file without a list has an empty one.
"""

import yaml

from netwright.text.yaml_parser import LOADER
from netwright.verify.reading.formats.cloudinit import is_deep
from netwright.verify.values.addresses import Prefix, network_of, parse_prefix
from netwright.verify.values.facts import Origin, Unknown
from netwright.verify.values.nftables import (
    PRIORITIES,
    Chain,
    Hook,
    NumberField,
    NumberMatch,
    Rule,
    Ruleset,
    Statement,
    Table,
)

AGENT_FILE = "/etc/config/ip-masq-agent"
_LINK_LOCAL = network_of(0xA9FE0000, 16)
_NAME = "ip-masq-agent"


def read_masq_agent(file: str, text: str, unknown: list[Unknown]) -> Ruleset:
    """The agent's rules, each with the line that it comes from; adds to `unknown` what the agent refuses."""
    ruleset = Ruleset()
    try:
        document = None if is_deep(text) else yaml.compose(text, Loader=LOADER)
    except (yaml.YAMLError, ValueError, RecursionError):
        document = None
    if not isinstance(document, yaml.MappingNode):
        reason = "no configuration that ip-masq-agent could read"
        unknown.append(Unknown(origin=Origin(file=file, line=1), text="", reason=reason))
        return ruleset
    rules, last, spares_link_local = [], Origin(file=file, line=1), True
    for name, value in document.value:
        key = str(name.value).lower()  # Go's JSON takes keys in any case
        if key == "nonmasqueradecidrs":
            last = Origin(file=file, line=name.start_mark.line + 1)
            rules += _spared(value, file, unknown)
        elif key == "masqlinklocal":
            spares_link_local = str(value.value).lower() != "true"
    if spares_link_local:
        rules.insert(0, _rule(_LINK_LOCAL, last))
    rules.append(Rule(matches=(), statements=(Statement(kind="masquerade"),), text="masquerade", origin=last))
    hook = Hook(
        kind="nat",
        point="postrouting",
        priority=PRIORITIES["srcnat"],
        policy="accept",
        number=ruleset.count_hook(),
    )
    chain = Chain(name="IP-MASQ-AGENT", origin=last, hook=hook, rules=rules)
    ruleset.tables["ip", _NAME] = Table(family="ip", name=_NAME, chains={chain.name: chain})
    return ruleset


def _spared(listed: yaml.Node, file: str, unknown: list[Unknown]) -> list[Rule]:
    rules = []
    for entry in listed.value if isinstance(listed, yaml.SequenceNode) else [listed]:
        origin = Origin(file=file, line=entry.start_mark.line + 1)
        text = str(entry.value)
        network = parse_prefix(text)
        if network is not None:
            rules.append(_rule(network, origin))
        elif ":" not in text:
            unknown.append(Unknown(origin=origin, text=text, reason="ip-masq-agent takes networks only"))
    return rules


def _rule(network: Prefix, origin: Origin) -> Rule:
    match = NumberMatch(of=NumberField.DADDR, ranges=(network.range,))
    text = f"ip daddr {network} return"
    return Rule(matches=(match,), statements=(Statement(kind="return"),), text=text, origin=origin)
