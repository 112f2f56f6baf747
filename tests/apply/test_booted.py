"""`netwright apply` on machines that boot, over ssh: whole, or not at all."""

from tests.apply.conftest import Cluster

LB1 = "    interfaces: {eth0: {network: lan, address: 10.1.0.2}}\n"
ROUTE = (LB1, f"{LB1}    routes: [{{to: 10.9.0.0/16, via: gw}}]\n")


def test_a_change_is_applied_whole_and_a_second_apply_does_nothing(cluster: Cluster) -> None:
    cluster.generate(ROUTE)

    run = cluster.apply()

    assert run.status == 0, run.stdout + run.stderr
    assert run.stdout.endswith("lb1: applied\n1 machine: applied.\n")
    assert "10.9.0.0/16 via 10.1.0.1" in cluster.machines["lb1"].run("ip", "route").stdout
    assert cluster.run("status", "--ssh", "--ssh-config", "ssh_config").status == 0
    again = cluster.apply()
    assert (again.status, again.stdout) == (0, "Nothing to apply: the files are as OUT has them.\n")
