"""Which segments the cards of nodes lead to, by the VLAN tags of frames, and what a switch must know as one port."""

from netwright.lab.cabling import switches_of
from netwright.lab.plugs import Plug, find_plugs, remark_on_bridges
from netwright.verify.values.facts import BondMode, Kind
from netwright.verify.values.wiring import AssignedLink, AssignedPort, Port, Segment, Wiring

CARDS = tuple(AssignedLink(name=name) for name in ("e1", "e2"))


def _wiring(*links: AssignedLink, **segments: tuple[str, ...]) -> Wiring:
    """A node `n` with these links and a node `m` with a card for each segment; the segments have n's interfaces."""
    kinds = {link.name: link.kind for link in links}
    return Wiring(
        nodes=("n", "m"),
        segments=tuple(
            Segment(
                name=name,
                ports=(
                    *(Port(node="n", interface=interface, kind=kinds[interface]) for interface in interfaces),
                    Port(node="m", interface=name),
                ),
            )
            for name, interfaces in segments.items()
        ),
        links={"n": links},
    )


def _bond(mode: BondMode) -> AssignedLink:
    return AssignedLink(name="bond0", kind=Kind.BOND, below=("e1", "e2"), mode=mode)


def _vlan(name: str, on: str, tag: int) -> AssignedLink:
    return AssignedLink(name=name, kind=Kind.VLAN, below=(on,), tag=tag)


def _of_n(wiring: Wiring) -> list[tuple[tuple[str, ...], dict[tuple[int, ...], str], BondMode | None]]:
    plugs: list[Plug] = [plug for plug in find_plugs(wiring) if plug.node == "n"]
    return [(tuple(card.name for card in plug.cards), dict(plug.segments), plug.bond) for plug in plugs]


def test_a_bond_that_negotiates_is_one_plug_with_all_that_is_on_it() -> None:
    links = (*CARDS, _bond(BondMode.LACP), _vlan("v5", "bond0", 5), _vlan("v6", "bond0", 6), _vlan("v5.7", "v5", 7))

    plugs = _of_n(_wiring(*links, lan=("bond0",), five=("v5",), inner=("v5.7",)))

    assert plugs == [(("e1", "e2"), {(): "lan", (5,): "five", (5, 7): "inner"}, BondMode.LACP)]


def test_each_card_of_a_bond_that_needs_no_switch_is_a_plug() -> None:
    plugs = _of_n(_wiring(*CARDS, _bond(BondMode.ACTIVE_BACKUP), _vlan("v5", "bond0", 5), five=("v5",)))

    assert plugs == [(("e1",), {(5,): "five"}, None), (("e2",), {(5,): "five"}, None)]


def test_a_static_bond_is_one_of_another_mode_at_the_switch() -> None:
    plugs = _of_n(_wiring(*CARDS, _bond(BondMode.BALANCE_RR), lan=("bond0",)))

    assert plugs == [(("e1", "e2"), {(): "lan"}, BondMode.BALANCE_XOR)]


def test_of_a_bridges_cards_the_first_leads_to_its_segment() -> None:
    bridge = AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e1", "e2"))

    plugs = _of_n(_wiring(*CARDS, bridge, _vlan("v5", "br0", 5), lan=("br0",), five=("v5",)))

    assert plugs == [(("e1",), {(): "lan", (5,): "five"}, None), (("e2",), {}, None)]


def _filtering(*ports: AssignedPort) -> AssignedLink:
    return AssignedLink(name="br0", kind=Kind.BRIDGE, below=("e1", "e2"), ports=ports)


def test_a_bridge_that_filters_leads_to_each_segment_by_the_first_card_that_passes_it() -> None:
    bridge = _filtering(
        AssignedPort(name="e1", tagged=frozenset([5]), untagged=9),
        AssignedPort(name="e2", tagged=frozenset([5, 6]), untagged=7),
        AssignedPort(name="br0", tagged=frozenset([5, 6]), untagged=7),
    )
    inner = (_vlan("v5", "br0", 5), _vlan("v6", "br0", 6), _vlan("v5.3", "v5", 3))
    wiring = _wiring(*CARDS, bridge, *inner, lan=("br0",), five=("v5",), six=("v6",), deep=("v5.3",))

    plugs = _of_n(wiring)

    assert plugs == [(("e1",), {(5,): "five", (5, 3): "deep"}, None), (("e2",), {(): "lan", (6,): "six"}, None)]
    assert [*remark_on_bridges(wiring)] == [
        "n: br0 leads to five by e1, and not by e2: that would be a circle",
        "n: br0 leads to deep by e1, and not by e2: that would be a circle",
    ]


def test_a_number_that_leaves_a_port_untagged_has_no_tag_on_its_card() -> None:
    bridge = _filtering(
        AssignedPort(name="e1", untagged=5),
        AssignedPort(name="e2", tagged=frozenset([7])),
        AssignedPort(name="br0", tagged=frozenset([5]), untagged=7),
    )

    plugs = _of_n(_wiring(*CARDS, bridge, _vlan("v5", "br0", 5), lan=("br0",), five=("v5",)))

    assert plugs == [(("e1",), {(): "five"}, None), (("e2",), {(7,): "lan"}, None)]


def test_a_segment_that_no_card_passes_has_no_cable() -> None:
    bridge = _filtering(
        AssignedPort(name="e1", untagged=1), AssignedPort(name="e2", untagged=1), AssignedPort(name="br0")
    )

    plugs = _of_n(_wiring(*CARDS, bridge, _vlan("v5", "br0", 5), lan=("br0",), five=("v5",)))

    assert plugs == [(("e1",), {}, None), (("e2",), {}, None)]


def test_a_vlan_that_is_a_port_of_a_bridge_leads_to_its_segment() -> None:
    bridge = AssignedLink(name="br0", kind=Kind.BRIDGE, below=("v5",))

    plugs = _of_n(_wiring(*CARDS, _vlan("v5", "e1", 5), bridge, lan=("br0",)))

    assert plugs == [(("e1",), {(5,): "lan"}, None), (("e2",), {}, None)]


def test_dummies_and_tunnels_have_no_cable() -> None:
    links = (AssignedLink(name="d", kind=Kind.DUMMY), AssignedLink(name="wg0", kind=Kind.WIREGUARD))

    assert _of_n(_wiring(*CARDS, *links, lone=("d",), mesh=("wg0",))) == [(("e1",), {}, None), (("e2",), {}, None)]


def test_a_bridge_without_cards_carries_its_segment_unless_frames_have_tags_or_others() -> None:
    bridge = AssignedLink(name="br0", kind=Kind.BRIDGE)
    alone = _wiring(bridge, guests=("br0",), lan=())
    shared = _wiring(*CARDS, bridge, _vlan("v5", "e1", 5), guests=("br0", "v5"), lan=())

    assert (switches_of(alone), switches_of(shared)) == ({"lan": "sw1"}, {"guests": "sw0", "lan": "sw1"})
