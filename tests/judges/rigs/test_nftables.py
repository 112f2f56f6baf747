"""The rig of nft sees tables that grow and tables that vanish."""

import pytest

from netwright.lab.machine import ProgramFailedError
from tests.rigs import nftables

TABLE = """\
add table inet netwright
delete table inet netwright
table inet netwright {
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ip saddr 10.17.3.0/24 ip daddr 10.42.0.0/16 accept comment "ingress to pods"
    }
}
"""


def test_nft_loads_a_table_twice_without_growing_and_beside_others() -> None:
    loaded = nftables.load_twice(TABLE.encode())

    assert loaded.first == loaded.second
    assert loaded.foreign_before == loaded.foreign_after
    assert [chain["policy"] for chain in nftables.chains(loaded.first)] == ["drop"]
    assert len(nftables.rules(loaded.first, "forward")) == 2


def test_nft_sees_a_table_that_grows_with_each_load() -> None:
    growing = TABLE.replace("delete table inet netwright\n", "")

    loaded = nftables.load_twice(growing.encode())

    assert loaded.first != loaded.second


def test_nft_sees_that_others_were_flushed() -> None:
    loaded = nftables.load_twice(f"flush ruleset\n{TABLE}".encode())

    assert loaded.foreign_before != loaded.foreign_after


def test_nft_refuses_a_word_that_is_none() -> None:
    with pytest.raises(ProgramFailedError, match="syntax error"):
        nftables.load_twice(TABLE.replace("accept", "acept").encode())
