"""`flush ruleset` wipes what units before it have loaded, and nothing that comes later."""

import pytest

from netwright.verify.reading.configuration import Configuration, read_configuration
from netwright.verify.reading.delivery import Delivery, Text

UNITS, RULES = "/etc/systemd/system/", "/etc/nftables/"
EARLY = "Wants=network-pre.target\nBefore=network-pre.target\n"


def _table(name: str) -> str:
    return f"table inet {name} {{\n}}\n"


def _configure(first: str, second: str, *, order: str = "", place: str = EARLY) -> Configuration:
    """Two rulesets a and b, each with a unit of its own; `order` stands in the unit of b."""
    texts = {f"{RULES}a.nft": first, f"{RULES}b.nft": second}
    for name, line in (("a", ""), ("b", order)):
        texts[f"{UNITS}{name}.service"] = (
            f"[Unit]\n{place}{line}[Service]\nExecStart=/usr/sbin/nft -f {RULES}{name}.nft\n"
            "[Install]\nWantedBy=multi-user.target\n"
        )
    return read_configuration(
        Delivery(
            node="n",
            files={path: Text(path=path, shown=f"n{path}", text=text, mode=None) for path, text in texts.items()},
            enabled=frozenset({"a.service", "b.service"}),
            libvirt=(),
            handoff=None,
            unknown=(),
        )
    )


@pytest.mark.parametrize(
    ("order", "left"), [("After=a.service\n", ["b"]), ("Before=a.service\n", ["b", "a"])], ids=["after", "before"]
)
def test_what_came_before_is_wiped(order: str, left: list[str]) -> None:
    configuration = _configure(_table("a"), "flush ruleset\n" + _table("b"), order=order)

    assert [name for _, name in configuration.ruleset.tables] == left
    assert configuration.unknown == ()


def test_units_in_any_order_leave_nobody_knows_what() -> None:
    (unknown,) = _configure(_table("a"), _table("b") + "flush ruleset\n").unknown

    assert str(unknown.origin) == "n/etc/nftables/b.nft:3"
    assert unknown.reason == "a.service and b.service start in any order: After= decides what is wiped"


def test_rulesets_that_wipe_nothing_need_no_order() -> None:
    assert _configure(_table("a"), _table("b") + "# flush ruleset\n").unknown == ()


@pytest.mark.parametrize(("place", "late"), [(EARLY, False), ("After=network-online.target\n", True)])
def test_a_flush_before_the_network_wipes_nothing_of_other_programs(place: str, late: bool) -> None:
    configuration = _configure(_table("a"), "flush ruleset\n", order="After=a.service\n", place=place)

    assert (configuration.late_flush is not None) is late
