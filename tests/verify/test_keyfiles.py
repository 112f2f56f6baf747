"""Results of NetworkManager with keyfiles, as verify predicts them: judged by the program."""

from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from netwright.lab.machine import File
from netwright.lab.machine import poll as await_that
from netwright.lab.networkmanager import is_settled, networkmanager
from netwright.verify.reading.configuration import read_configuration
from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.keyfile import read_keyfile
from netwright.verify.values.addresses import format_ip
from tests.rigs.wires import Nic, boot_wired
from tests.verify.daemons import MAC, kernels, verifys

FOLDER = "/etc/NetworkManager/system-connections/"
UUID = "b2371264-793c-5f1f-9513-646fcc75bf31"
AWAY = "route1=10.9.0.0/16"
FIRST = "address1=10.1.0.2/24\nroute-metric=50\n"
Files = dict[str, str]
CONF = "/etc/NetworkManager/conf.d/"


def _keyfile(ipv4: str, card: str = "eth0", uuid: str = UUID) -> str:
    head = f"[connection]\nid={card}\nuuid={uuid}\ntype=ethernet\ninterface-name={card}\n"
    return f"{head}\n[ipv4]\nmethod=manual\n{ipv4}\n\n[ipv6]\nmethod=disabled\n"


def _file(ipv4: str) -> Files:
    return {f"{FOLDER}a.nmconnection": _keyfile(FIRST + ipv4)}


def _edited(before: str, after: str) -> Files:
    text = _keyfile(FIRST)
    assert before in text
    return {f"{FOLDER}a.nmconnection": text.replace(before, after)}


def _conf(line: str) -> Files:
    return _file("") | {f"{CONF}x.conf": f"[keyfile]\n{line}\n"}


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
    "a-source-of-nobodys-by-a-next-hop-off-link": _file(f"{AWAY},10.7.7.7,5\nroute1_options=src=10.66.0.1"),
    "throw": _file(f"{AWAY}\nroute1_options=type=throw"),
    "a-rule-by-mark": _file("routing-rule1=priority 100 from 0.0.0.0/0 fwmark 0x1F table 100"),
    "a-rule-by-mark-and-mask": _file("routing-rule1=priority 100 from 0.0.0.0/0 fwmark 16/0xff table 100"),
    "a-rule-by-mark-outside-of-its-mask": _file("routing-rule1=priority 100 from 0.0.0.0/0 fwmark 256/255 table 100"),
    "a-rule-for-all": _file("routing-rule1=priority 100 from all table 100"),
    "never-default": _file("gateway=10.1.0.1\nnever-default=true"),
    "never-default-but-stated": _file("gateway=10.1.0.1\nnever-default=1\nroute1=0.0.0.0/0,10.1.0.3,7"),
    "a-table-for-all-routes": _file(f"gateway=10.1.0.1\nroute-table=100\n{AWAY},10.1.0.1"),
    "the-main-table": _file(f"gateway=10.1.0.1\nroute-table=254\n{AWAY},10.1.0.1"),
    "a-table-of-one-route": _file(
        f"route-table=100\n{AWAY},10.1.0.1\nroute2=10.8.0.0/16,10.1.0.1\nroute2_options=table=200"
    ),
    "what-does-not-matter": _file(
        "may-fail=false\nignore-auto-routes=true\nignore-auto-dns=true\ndns=1.1.1.1;\ndns-search=a.b;\n"
        "dns-priority=-5\ndns-options=ndots:1;\ndad-timeout=0\ndhcp-client-id=mac\nrequired-timeout=10\nlink-local=2"
    ),
    "a-profile-of-many-words": _edited(
        "interface-name=eth0",
        "interface-name=eth0\nautoconnect=1\nautoconnect-priority=-5\npermissions=\nllmnr=0\nmdns=0\nlldp=0\n"
        "metered=2\nmulti-connect=1\nautoconnect-retries=0\nwait-device-timeout=1000\nstable-id=x",
    ),
    "found-by-a-match": _edited("interface-name=eth0\n", "\n[match]\ninterface-name=eth0;\n"),
    "ipv6-auto": _edited("method=disabled", "method=auto\naddr-gen-mode=stable-privacy\nip6-privacy=0\nmay-fail=true"),
    "ipv6-ignore": _edited("method=disabled", "method=ignore"),
    "no-ipv6": _edited("[ipv6]\nmethod=disabled\n", ""),
    "no-id": _edited("id=eth0\n", ""),
    "neither-id-nor-uuid": _edited(f"id=eth0\nuuid={UUID}\n", ""),
    "name-servers-without-an-end": _file("dns=1.1.1.1,8.8.8.8"),
    "no-name-servers": _file("dns="),
    "blanks-around-an-equals-sign": _edited("type=ethernet", "type = ethernet"),
    "a-line-with-a-blank-before-it": _edited("method=manual", " method=manual"),
    "a-section-with-a-blank-behind-it": _edited("[ipv4]", "[ipv4] "),
    "a-gateway-behind-an-address": _edited("10.1.0.2/24", "10.1.0.2/24,10.1.0.1"),
    "a-gateway-behind-each-of-two": _edited("10.1.0.2/24", "10.1.0.2/24,10.1.0.1\naddress2=10.1.0.9/24,10.1.0.3"),
    "a-gateway-behind-an-address-and-another": _edited("10.1.0.2/24", "10.1.0.2/24,10.1.0.1\ngateway=10.1.0.3"),
    "a-gateway-of-0-behind-an-address": _edited("10.1.0.2/24", "10.1.0.2/24,0.0.0.0"),
    "a-gateway-behind-an-address-never": _edited("10.1.0.2/24", "10.1.0.2/24,10.1.0.1\nnever-default=true"),
    "no-uuid": _edited(f"uuid={UUID}\n", ""),
    "an-uuid-in-capitals": _edited(UUID, UUID.upper()),
    "others-are-left-alone": _conf("unmanaged-devices=interface-name:cni0;interface-name:veth*,type:bridge-of-no-kind"),
    "all-but-one-are-left-alone": _conf("unmanaged-devices=*;except:interface-name:eth*"),
    "a-later-file-wins": _conf("unmanaged-devices=interface-name:eth0")
    | {f"{CONF}y.conf": "[keyfile]\nunmanaged-devices=interface-name:cni0\n"},
    "a-section-for-another-device": {
        **_edited("", ""), f"{CONF}x.conf": "[device]\nmatch-device=interface-name:cni0\nmanaged=0\n",
    },
}  # fmt: skip
# NetworkManager takes nothing of these, or leaves the card alone.
REFUSED: Mapping[str, Files] = {
    "no-type": _edited("type=ethernet\n", ""),
    "no-method": _edited("method=manual\n", ""),
    "no-method-of-ipv6": _edited("method=disabled", "addr-gen-mode=1"),
    "an-empty-ipv6": _edited("[ipv6]\nmethod=disabled\n", "[ipv6]\n"),
    "an-unknown-method": _edited("method=manual", "method=static"),
    "a-method-in-quotes": _edited("method=manual", 'method="manual"'),
    "a-method-with-a-comment": _edited("method=manual", "method=manual # by hand"),
    "an-unknown-method-of-ipv6": _edited("method=disabled", "method=disable"),
    "ipv6-without-an-address": _edited("method=disabled", "method=manual"),
    "a-gateway-of-ipv6-alone": _edited("method=disabled", "method=auto\ngateway=fe80::1"),
    "no-address": _edited("address1=10.1.0.2/24\n", ""),
    "an-uuid-that-is-none": _edited(UUID, "not-a-uuid"),
    "an-uuid-in-braces": _edited(UUID, f"{{{UUID}}}"),
    "an-uuid-too-short": _edited(UUID, UUID[:-1]),
    "a-type-with-a-blank": _edited("type=ethernet", "type=ethernet "),
    "a-name-with-a-blank": _edited("interface-name=eth0", "interface-name=eth0 "),
    "a-method-with-a-blank": _edited("method=manual", "method=manual "),
    "a-method-with-a-tab": _edited("method=manual", "method=manual\t"),
    "an-address-with-a-blank": _edited("10.1.0.2/24", "10.1.0.2/24 "),
    "a-gateway-with-a-blank": _file("gateway=10.1.0.1 "),
    "an-uuid-with-a-blank": _edited(UUID, f"{UUID} "),
    "a-method-of-ipv6-with-a-blank": _edited("method=disabled", "method=disabled "),
    "an-empty-type": _edited("type=ethernet", "type="),
    "a-type-in-capitals": _edited("type=ethernet", "type=Ethernet"),
    "a-method-in-capitals": _edited("method=manual", "method=MANUAL"),
    "an-empty-method": _edited("method=manual", "method="),
    "an-empty-uuid": _edited(f"uuid={UUID}", "uuid="),
    "an-empty-name": _edited("interface-name=eth0", "interface-name="),
    "a-name-with-a-slash": _edited("interface-name=eth0", "interface-name=eth/0"),
    "a-gateway-that-is-none": _file("gateway=10.1.0.300"),
    "an-empty-gateway": _file("gateway="),
    "the-hardware-address-of-another": _edited("[ipv4]", "[ethernet]\nmac-address=02:00:00:00:00:99\n\n[ipv4]"),
    "an-empty-id": _edited("id=eth0", "id="),
    "another-type": _edited("type=ethernet", "type=bridge"),
    "a-type-that-is-none": _edited("type=ethernet", "type=eth"),
    "a-name-too-long": _edited("interface-name=eth0", "interface-name=eth0123456789abcdef"),
    "a-line-that-is-none": _edited("interface-name=eth0", "interface-name=eth0\nhello"),
    "a-section-that-is-none": _edited("[ipv4]", "[ipv4"),
    "for-a-user": _edited("interface-name=eth0", "interface-name=eth0\npermissions=user:nobody:;"),
    "not-by-itself": _edited("interface-name=eth0", "interface-name=eth0\nautoconnect=0"),
    "part-of-a-bridge": _edited("interface-name=eth0", "interface-name=eth0\nmaster=br0\nslave-type=bridge"),
    "a-match-of-another": _edited("[ipv4]", "[match]\ninterface-name=eth1;\n\n[ipv4]"),
    "left-alone-by-its-name": _conf("unmanaged-devices=interface-name:eth*"),
    "left-alone-by-a-name-alone": _conf("unmanaged-devices=eth0"),
    "left-alone-by-an-equal-name": _conf("unmanaged-devices=cni0,interface-name:=eth0"),
    "left-alone-by-its-type": _conf("unmanaged-devices=type:ethernet"),
    "left-alone-by-an-exception": _conf("unmanaged-devices=except:interface-name:eth1"),
    "left-alone-by-addition": _conf("unmanaged-devices=interface-name:eth0")
    | {f"{CONF}y.conf": "[keyfile]\nunmanaged-devices+=interface-name:cni0\n"},
    "left-alone-by-a-section": {
        **_edited("", ""), f"{CONF}x.conf": "[device-a]\nmatch-device=interface-name:eth0\nmanaged=0\n",
    },
}  # fmt: skip
UNKNOWN: Mapping[str, Files] = {
    "a-route-with-a-blank": _file(f"{AWAY},10.1.0.1 "),
    "a-route-with-a-minus": _file(f"{AWAY},10.1.0.1,-1"),
    "a-route-with-four-parts": _file(f"{AWAY},10.1.0.1,5,6"),
    "a-route-in-blanks": _file(f"{AWAY} 10.1.0.1"),
    "a-route-without-a-length": _file("route1=10.9.0.5,10.1.0.1"),
    "an-address-without-a-length": _edited("10.1.0.2/24", "10.1.0.2"),
    "a-name-server-that-is-none": _file("dns=nonsense;"),
    "two-tables": _file(f"{AWAY},10.1.0.1\nroute1_options=table=100,table=101"),
    "an-mtu-that-is-none": _file(f"{AWAY},10.1.0.1\nroute1_options=mtu=abc,table=100"),
    "the-local-table": _file(f"{AWAY},10.1.0.1\nroute1_options=table=255"),
    "unreachable-with-a-next-hop": _file(f"{AWAY},10.1.0.1\nroute1_options=type=unreachable"),
    "a-mark-in-octal": _file("routing-rule1=priority 100 from 0.0.0.0/0 fwmark 010 table 100"),
    "a-mark-of-two-masks": _file("routing-rule1=priority 100 from 0.0.0.0/0 fwmark 1/2/3 table 100"),
    "a-rule-for-default": _file("routing-rule1=priority 100 from default table 100"),
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


def test_verify_knows_nothing_of_a_card_that_networkmanager_gives_nothing() -> None:
    with boot_wired(dict.fromkeys(REFUSED, (Nic(name="eth0", mac=MAC),))) as machines, ExitStack() as daemons:
        running = [
            daemons.enter_context(networkmanager(machines[name], [_written(*one) for one in files.items()]))
            for name, files in REFUSED.items()
        ]
        await_that(lambda: all(map(is_settled, running)), seconds=60)
        taken = [name for name in REFUSED if kernels(machines[name])]

    assert taken == []
    assert [name for name, files in REFUSED.items() if verifys(files) is not None] == []


@pytest.mark.parametrize(
    ("mode", "owner", "said"),
    [
        (0o600, "root", None),
        (0o400, "0", None),
        (0o644, "root", "NetworkManager refuses mode 0644; it must be 0600"),
        (0o640, "root", "NetworkManager refuses mode 0640; it must be 0600"),
        (0o600, "core", "NetworkManager refuses a file of core; it must be root's"),
    ],
)
def test_a_keyfile_must_be_roots_alone(mode: int, owner: str, said: str | None) -> None:
    path = f"{FOLDER}a.nmconnection"
    file = Text(path=path, shown=path, text=_keyfile(FIRST), mode=mode, owner=owner)
    delivery = Delivery(node="n", files={path: file}, enabled=frozenset(), libvirt=(), handoff=None, unknown=())

    unknown = read_configuration(delivery).unknown

    assert [one.reason for one in unknown] == ([said] if said else [])


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
