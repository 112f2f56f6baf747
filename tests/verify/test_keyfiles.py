"""What NetworkManager makes of keyfiles is what verify takes it to make: judged by the program."""

from collections.abc import Mapping
from contextlib import ExitStack

from gen.lab.machine import File
from gen.lab.machine import poll as await_that
from gen.lab.networkmanager import is_settled, networkmanager
from gen.verify.addresses import format_ip
from gen.verify.readers.keyfile import read_keyfile
from tests.rigs.wires import Nic, boot_wired
from tests.verify.daemons import MAC, kernels, verifys

FOLDER = "/etc/NetworkManager/system-connections/"
UUID = "b2371264-793c-5f1f-9513-646fcc75bf31"
AWAY = "route1=10.9.0.0/16"
FIRST = "address1=10.1.0.2/24\nroute-metric=50\n"
Files = dict[str, str]


def _keyfile(ipv4: str, card: str = "eth0", uuid: str = UUID) -> str:
    head = f"[connection]\nid={card}\nuuid={uuid}\ntype=ethernet\ninterface-name={card}\n"
    return f"{head}\n[ipv4]\nmethod=manual\n{ipv4}\n\n[ipv6]\nmethod=disabled\n"


def _file(ipv4: str) -> Files:
    return {f"{FOLDER}a.nmconnection": _keyfile(FIRST + ipv4)}


KNOWN: Mapping[str, Files] = {
    "an-address-said-again": _file("address2=10.3.0.2/24\naddress2=10.4.0.2/24"),
    "a-gateway-said-again": _file("gateway=10.1.0.1\ngateway=10.1.0.3"),
    "a-route-said-again": _file(f"route1=10.8.0.0/16,10.1.0.1\n{AWAY},10.1.0.1"),
    "a-rule-said-again": _file(
        "routing-rule1=priority 100 from 10.5.0.1 table 100\nrouting-rule1=priority 101 from 10.6.0.1 table 100"
    ),
    "a-section-said-again": {f"{FOLDER}a.nmconnection": _keyfile(FIRST) + f"\n[ipv4]\n{AWAY},10.1.0.1\n"},
    "a-route-of-no-metric": _file(f"{AWAY},10.1.0.1"),
    "a-route-of-metric-0": _file(f"{AWAY},10.1.0.1,0"),
    "a-route-without-next-hop": _file(AWAY),
    "a-route-with-0-as-next-hop": _file(f"{AWAY},0.0.0.0,7"),
    "a-next-hop-off-link": _file(f"{AWAY},10.7.7.7"),
    "a-next-hop-off-link-in-a-table": _file(f"{AWAY},10.7.7.7\nroute1_options=table=100"),
    "a-next-hop-on-link": _file(f"{AWAY},10.7.7.7\nroute1_options=onlink=true"),
    "an-own-gateway": _file("gateway=10.1.0.2"),
    "a-broadcast-gateway": _file("gateway=10.1.0.255"),
    "a-source-of-its-own": _file(f"{AWAY},10.1.0.1\nroute1_options=src=10.1.0.2"),
    "a-source-of-nobodys": _file(f"{AWAY},10.1.0.1\nroute1_options=src=10.66.0.1"),
    "throw": _file(f"{AWAY}\nroute1_options=type=throw"),
    "a-rule-for-all": _file("routing-rule1=priority 100 from all table 100"),
}
UNKNOWN: Mapping[str, Files] = {
    "two-tables": _file(f"{AWAY},10.1.0.1\nroute1_options=table=100,table=101"),
    "an-mtu-that-is-none": _file(f"{AWAY},10.1.0.1\nroute1_options=mtu=abc,table=100"),
    "the-local-table": _file(f"{AWAY},10.1.0.1\nroute1_options=table=255"),
    "unreachable-with-a-next-hop": _file(f"{AWAY},10.1.0.1\nroute1_options=type=unreachable"),
    "a-rule-for-default": _file("routing-rule1=priority 100 from default table 100"),
    "never-default": _file("gateway=10.1.0.1\nnever-default=true"),
    "a-hidden-file": {f"{FOLDER}.a.nmconnection": _keyfile(FIRST)},
    "one-uuid-twice": _file("") | {f"{FOLDER}b.nmconnection": _keyfile("address1=10.3.0.2/24", card="eth1")},
}


def test_verify_sees_what_networkmanager_makes_of_a_keyfile() -> None:
    wanted = {name: verifys(files) for name, files in KNOWN.items()}
    with boot_wired(dict.fromkeys(KNOWN, (Nic(name="eth0", mac=MAC),))) as machines, ExitStack() as daemons:
        running = [
            daemons.enter_context(networkmanager(machines[name], [_written(*one) for one in files.items()]))
            for name, files in KNOWN.items()
        ]
        await_that(lambda: all(map(is_settled, running)), seconds=60)
        await_that(lambda: {name: kernels(machines[name]) for name in KNOWN} == wanted, seconds=10, interval=0.5)
        found = {name: kernels(machines[name]) for name in KNOWN}

    assert found == wanted


def _written(path: str, text: str) -> File:
    return File(path=path, content=text.encode(), mode=0o600)


def test_addresses_come_in_the_order_of_their_numbers() -> None:
    text = _keyfile("address2=10.1.0.3/24\naddress10=10.1.0.9/24\naddress1=10.1.0.2/24")
    written = [_written(f"{FOLDER}a.nmconnection", text)]
    with boot_wired({"n": (Nic(name="eth0", mac=MAC),)}) as machines, networkmanager(machines["n"], written) as daemon:
        assert await_that(lambda: is_settled(daemon), seconds=60)
        shown = machines["n"].run("ip", "-4", "-oneline", "address", "show", "dev", "eth0").stdout
    reading = read_keyfile("a", text)

    assert [line.split()[3] for line in shown.splitlines()] == ["10.1.0.2/24", "10.1.0.3/24", "10.1.0.9/24"]
    assert [format_ip(address.ip) for address in reading.links[0].addresses] == ["10.1.0.2", "10.1.0.3", "10.1.0.9"]


def test_verify_knows_nothing_of_what_networkmanager_does_otherwise() -> None:
    assert [name for name, files in UNKNOWN.items() if verifys(files) is not None] == []
