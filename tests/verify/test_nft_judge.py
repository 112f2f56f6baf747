"""What nft itself refuses is unknown, whatever the reader makes of it."""

from collections.abc import Iterable

import pytest

from netwright.verify.reading import nft_judge
from netwright.verify.reading.configuration import Configuration, ask_nft, read_configuration
from netwright.verify.reading.delivery import Delivery, Text

TABLE = """table inet t {
	chain c {
		type filter hook forward priority filter; policy drop;
		ip saddr %s accept
	}
}
"""


def _configure(*texts: str) -> Configuration:
    files = {f"/etc/nftables/{number}.nft": text for number, text in enumerate(texts)}
    return read_configuration(
        Delivery(
            node="n",
            files={path: Text(path=path, shown=f"n{path}", text=text, mode=None) for path, text in files.items()},
            enabled=frozenset(),
            libvirt=(),
            handoff=None,
            unknown=(),
        )
    )


def test_nft_takes_what_the_generator_writes_and_refuses_nothing_for_its_addresses() -> None:
    texts = [TABLE % f"10.0.{number}.0/24" for number in range(300)]

    assert nft_judge.is_usable()
    assert nft_judge.find_refused(texts) == {}


def test_one_ruleset_among_many_is_refused_with_its_complaint() -> None:
    texts = [(TABLE % "10.0.0.1").replace("table inet t", f"table inet t{number}") for number in range(70)]
    wrong = texts[66].replace("accept", "acept")

    refused = nft_judge.find_refused([*texts[:66], wrong, *texts[67:]])

    assert list(refused) == [wrong]
    assert refused[wrong].startswith("syntax error, unexpected")


def test_rules_too_many_for_who_is_not_root_are_assumed_to_load() -> None:
    rules = "".join(f"\t\tip saddr 10.0.0.1 tcp dport {port} accept\n" for port in range(1, 3001))
    long = _configure(TABLE.replace("\t\tip saddr %s accept\n", rules))
    short = _configure(TABLE % "10.0.0.1")

    found = ask_nft([long, short])

    assert [one.unknown for one in found] == [(), ()]
    assert [one.is_long for one in found] == [True, False]


def test_files_of_one_node_are_loaded_one_after_another() -> None:
    assert nft_judge.find_refused(["table ip a {\n}\n\ndelete table ip a\n"]) == {}


def test_a_node_whose_rules_nft_refuses_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, refused = _configure(TABLE % "10.0.0.1"), _configure(TABLE.replace("accept", "drop") % "10.0.0.1")
    monkeypatch.setattr(
        "netwright.verify.reading.configuration.find_refused",
        lambda texts: dict.fromkeys(list(texts)[1:], "Could not process rule"),
    )

    first, second = ask_nft([taken, refused])

    assert first.unknown == ()
    assert [str(one) for one in second.unknown] == [
        "n/etc/nftables/0.nft: nft refuses the whole file: Could not process rule"
    ]


def test_words_that_the_reader_does_not_know_are_never_shown_to_nft(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def ask(texts: Iterable[str]) -> dict[str, str]:
        shown.extend(texts)
        return {}

    monkeypatch.setattr("netwright.verify.reading.configuration.find_refused", ask)
    ask_nft([_configure('include "/etc/shadow"\n'), _configure(TABLE % "10.0.0.1")])

    assert shown == [TABLE % "10.0.0.1"]


def test_without_nft_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nft_judge, "_PATH", "/nowhere")
    nft_judge.is_usable.cache_clear()
    try:
        assert not nft_judge.is_usable()
        assert nft_judge.find_refused(["table inet t {\n"]) == {}
    finally:
        nft_judge.is_usable.cache_clear()
