"""Result of the real systemd-networkd with the Flatcar nodes' files: as in their plans."""

from netwright.files.artifact import NodeFile
from netwright.model import Family
from netwright.plan.types import NodePlan
from tests.judges import expected
from tests.judges.cases import Case, cases_with, has_plain_cards
from tests.rigs.daemons import Managed
from tests.rigs.networkd import apply_networkd
from tests.rigs.wires import Node

# The MTU that the overriding template of that case writes for links without one.
TEMPLATE_MTU = {"overridden-template": 9000}


def foreign_files(plan: NodePlan) -> list[NodeFile]:
    """Files that somebody else writes: Flatcar's own for cards that nobody configures, and base files of drop-ins."""
    files = [
        NodeFile(path="/etc/systemd/network/zz-default.network", content=b"[Match]\nName=eth*\n[Network]\nDHCP=yes\n")
    ]
    for link in plan.links if plan.dropins_only else ():
        addresses = "".join(f"Address={address.ip}/{address.prefix}\n" for address in link.addresses)
        base = f"[Match]\nName={link.name}\n[Network]\nLinkLocalAddressing=no\n{addresses}"
        files.append(NodeFile(path=f"/etc/systemd/network/10-{link.name}.network", content=base.encode()))
    return files


@cases_with(Family.FLATCAR, has_plain_cards)
def test_networkd_applies_the_plan_without_complaint(case: Case) -> None:
    plans = {name: plan for name, plan in case.plans(Family.FLATCAR).items() if has_plain_cards(plan)}
    nodes = {
        name: Node(nics=expected.nics(plan), files=[*case.files(name), *foreign_files(plan)])
        for name, plan in plans.items()
    }

    applied = apply_networkd(nodes)

    mtu = TEMPLATE_MTU.get(case.name, 1500)
    assert {name: one.complaints for name, one in applied.items()} == dict.fromkeys(plans, ())
    assert {name: one.managed for name, one in applied.items()} == {
        name: {
            link.name: Managed(
                state="configured",
                source=f"/etc/systemd/network/10-{link.name}.network",
                dns=() if plan.dropins_only else tuple(str(server) for server in link.dns),
                domains=() if plan.dropins_only or link.domain is None else (link.domain,),
            )
            for link in plan.links
        }
        for name, plan in plans.items()
    }
    assert {name: one.kernel for name, one in applied.items()} == {
        name: expected.kernel(plan, lambda _: 0, mtu=mtu) for name, plan in plans.items()
    }
