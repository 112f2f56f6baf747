"""Programs that run beside ours: the rules that verify takes them to load are those that they load."""

import re

import pytest

from netwright.verify.network_model.programs import FIREWALLD_RULES
from tests.rigs.firewalld import in_line, loaded_rules

_COCKPIT = "tcp dport 9090 accept"
"""Enterprise Linux's zone public has it, Debian's has not."""


@pytest.fixture(scope="module")
def real() -> dict[str, list[str]]:
    """firewalld's chains, as it loads them."""
    return loaded_rules()


@pytest.mark.parametrize("chain", ["filter_INPUT", "filter_FORWARD"])
def test_firewalld_loads_the_rules_that_verify_assumes(chain: str, real: dict[str, list[str]]) -> None:
    lines = [line for line in in_line(real, chain) if "ip6" not in line and "icmpv6" not in line]
    body = re.findall(rf"chain {chain} {{\n(.*?)\n\t}}", FIREWALLD_RULES, re.DOTALL)[0]
    assumed = [line.strip().split(" comment ")[0].replace("icmpx type", "icmpx") for line in body.splitlines()]

    # Behind the zone's own rejection another one stands, which no packet meets.
    assert list(dict.fromkeys(lines)) == [line for line in assumed if line != _COCKPIT]
