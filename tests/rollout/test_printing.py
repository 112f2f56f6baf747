"""A rollout as people read it: machines that change alike stand together, and lines fit a terminal."""

from netwright.rollout.networkd import netdev_file
from netwright.rollout.printing import names, render_text
from netwright.rollout.values import (
    Break,
    BrokenFlow,
    ChangedFile,
    Consequence,
    FilePlan,
    Loss,
    MachinePlan,
    Rollout,
    Step,
)

NOTHING = Consequence()


def machine(node: str, consequence: Consequence = NOTHING) -> MachinePlan:
    file = ChangedFile(path="/etc/hosts", before="a", after="b")
    return MachinePlan(node=node, sign="~", files=(FilePlan(file=file, consequence=consequence),))


def test_machines_that_are_numbered_in_a_row_are_a_range() -> None:
    nodes = ("db", "w1", "w2", "w3", "w5", "w6", "x08", "x09", "x10")

    assert names([machine(node) for node in nodes]) == "db, w1 to w3, w5, w6, x08, x09, x10"


def test_no_line_is_wider_than_a_terminal() -> None:
    machines = (
        *(machine(f"machine-{number * 2}") for number in range(40)),
        machine("z", Consequence(notes=("word " * 60,))),
    )
    broken = BrokenFlow(
        example=Break(flow="web", source="10.0.0.1", destination="10.0.0.2", traffic="tcp/80", verdict="lost " * 20),
        until=2,
    )
    steps = (Step(nodes=tuple(one.node for one in machines[:-1]), broken=(broken,)), Step(nodes=("z",)))

    text = render_text(Rollout(state="out", machines=machines, steps=steps, flows=3))

    assert max(map(len, text.splitlines())) <= 80
    assert "breaks web until step 2 is done: tcp/80 from 10.0.0.1 to 10.0.0.2: lost" in " ".join(text.split())


def test_the_worst_loss_is_in_the_first_line() -> None:
    machines = (
        machine("a", Consequence(loss=Loss.SHORT)),
        machine("b", Consequence(loss=Loss.GUESTS, guests=("vm1", "vm2"))),
        machine("c"),
    )

    text = render_text(Rollout(state="HEAD", machines=machines))

    assert text.startswith("3 machines to change since HEAD; worst: guests lose their link\n")
    assert "  b: 1 file, guests lose their link: vm1, vm2\n" in text


def test_what_is_stacked_on_a_device_is_deleted_first() -> None:
    paths = (f"/etc/systemd/network/10-{name}.netdev" for name in ("bond0", "bond0.310"))
    files = [ChangedFile(path=path, before="a", after="b") for path in paths]
    plans = tuple(FilePlan(file=file, consequence=netdev_file(file)) for file in files)

    found = MachinePlan(node="n", sign="~", files=plans).commands

    assert [command.text for command in found] == [
        "networkctl delete bond0.310",
        "networkctl delete bond0",
        "systemctl restart systemd-networkd.service",
    ]
