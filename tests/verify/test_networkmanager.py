"""Results of NetworkManager for the reverse path filter, as verify predicts them: judged by the program."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from netwright.files.artifact import NodeFile
from netwright.lab.machine import LabMachine
from netwright.lab.machine import poll as await_that
from netwright.lab.networkmanager import is_settled, networkmanager
from netwright.verify.network_model.building import build_network
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.values.wiring import Assumptions, Port, Segment, Wiring
from tests.rigs.wires import Nic, boot_wired

CARDS = ("eth0", "eth1")
STRICT = {"all": 0, "eth0": 1, "eth1": 1}
FIRST, SECOND = ("address1=10.1.0.2/24",), ("address1=10.2.0.2/24",)
LEADS_OUT, LEADS_OUT_TOO = ("gateway=10.1.0.1",), ("gateway=10.2.0.1",)

Variant = tuple[Mapping[str, int], Sequence[str], Sequence[str], tuple[int, int]]
# The filters before, the two cards' lines, and the filters of the cards afterwards.
VARIANTS: Mapping[str, Variant] = {
    "no-default": (STRICT, FIRST, SECOND, (1, 1)),
    "default": (STRICT, FIRST + LEADS_OUT, SECOND, (2, 1)),
    "two-defaults": (STRICT, FIRST + LEADS_OUT, SECOND + LEADS_OUT_TOO, (2, 2)),
    "stated": (STRICT, (*FIRST, "route1=0.0.0.0/0,10.1.0.1,50"), SECOND, (2, 1)),
    "on-link": (STRICT, (*FIRST, "route1=0.0.0.0/0"), SECOND, (2, 1)),
    "another-table": (STRICT, (*FIRST, "route1=0.0.0.0/0,10.1.0.1,50", "route1_options=table=100"), SECOND, (1, 1)),
    "discarding": (STRICT, (*FIRST, "route1=0.0.0.0/0", "route1_options=type=unreachable"), SECOND, (1, 1)),
    "half": (STRICT, (*FIRST, "route1=0.0.0.0/1,10.1.0.1,50"), SECOND, (1, 1)),
    "all-strict": ({"all": 1, "eth0": 1, "eth1": 1}, FIRST + LEADS_OUT, SECOND, (2, 1)),
    "all-strict-card-off": ({"all": 1, "eth0": 0, "eth1": 0}, FIRST + LEADS_OUT, SECOND, (0, 0)),
    "off": ({"all": 0, "eth0": 0, "eth1": 0}, FIRST + LEADS_OUT, SECOND, (0, 0)),
}


def _keyfile(card: str, lines: Sequence[str]) -> str:
    number = card[-1]
    head = f"[connection]\nid={card}\nuuid=b2371264-793c-5f1f-9513-646fcc75bf3{number}\ntype=ethernet\n"
    ipv4 = "".join(f"{line}\n" for line in ("method=manual", *lines, f"route-metric={100 + int(number)}"))
    return f"{head}interface-name={card}\n\n[ipv4]\n{ipv4}\n[ipv6]\nmethod=disabled\n"


def _files(variant: Variant) -> dict[str, str]:
    folder = "/etc/NetworkManager/system-connections"
    _, first, second, _ = variant
    cards = zip(CARDS, (first, second), strict=True)
    return {f"{folder}/{card}.nmconnection": _keyfile(card, lines) for card, lines in cards}


def _set(machine: LabMachine, filters: Mapping[str, int]) -> None:
    for name, value in filters.items():
        machine.run("sh", "-c", f"echo {value} > /proc/sys/net/ipv4/conf/{name}/rp_filter")


def _filters(machine: LabMachine) -> tuple[int, ...]:
    return tuple(int(machine.run("cat", f"/proc/sys/net/ipv4/conf/{card}/rp_filter").stdout) for card in CARDS)


def test_networkmanager_makes_a_strict_filter_loose_on_a_card_with_a_default_route() -> None:
    nics = tuple(Nic(name=card) for card in CARDS)
    with boot_wired(dict.fromkeys(VARIANTS, nics)) as machines, ExitStack() as daemons:
        running = []
        for name, variant in VARIANTS.items():
            _set(machines[name], variant[0])
            files = [NodeFile(path=path, content=text.encode(), mode=0o600) for path, text in _files(variant).items()]
            running.append(daemons.enter_context(networkmanager(machines[name], files)))

        assert await_that(lambda: all(is_settled(daemon) for daemon in running), seconds=30)
        found = {name: _filters(machines[name]) for name in VARIANTS}

    assert found == {name: variant[3] for name, variant in VARIANTS.items()}


def test_verify_knows_what_networkmanager_makes_of_a_filter() -> None:
    found = {name: _model(variant) for name, variant in VARIANTS.items()}

    assert found == {name: variant[3] for name, variant in VARIANTS.items()}


def _model(variant: Variant) -> tuple[int, ...]:
    texts = _files(variant) | {
        "/etc/sysctl.d/50-own.conf": "".join(
            f"net.ipv4.conf.{name}.rp_filter = {value}\n" for name, value in variant[0].items()
        )
    }
    files = {path: Text(path=path, shown=path, text=text, mode=0o600) for path, text in texts.items()}
    delivery = Delivery(node="n", files=files, enabled=frozenset(), libvirt=(), handoff=None, unknown=())
    segments = tuple(Segment(name=card, ports=(Port(node="n", interface=card),)) for card in CARDS)
    network = build_network([read_configuration(delivery)], Wiring(nodes=("n",), segments=segments), Assumptions())
    return tuple(network.machines["n"].parameters.value(card, "rp_filter") for card in CARDS)
