"""Under which assumptions a proof holds, in words."""

from gen.verify.network import Network
from gen.verify.nft_judge import is_usable
from gen.verify.parameters import SYSTEM_SYSCTLS

_CNI = {
    "vxlan": "flannel runs with backend vxlan: its tunnels reach the pod networks, and its masquerade rules hold",
    "host-gw": "flannel runs with backend host-gw: nodes route pod networks directly, and its masquerade rules hold",
}


def state_assumptions(network: Network) -> tuple[str, ...]:
    """One sentence an assumption, only those that this network depends on."""
    assumptions, wiring = network.assumptions, network.wiring
    said = []
    if wiring.pod_networks:
        said.append(_CNI.get(assumptions.cni, "pods are attached to their nodes; no rules of a CNI are assumed"))
        if assumptions.kube_proxy_drops_invalid:
            said.append("kube-proxy drops packets in ct state invalid on Kubernetes nodes")
        if wiring.services is not None:
            said.append(f"service addresses ({wiring.services}) are kube-proxy's matter and are not judged")
    if any(segment.bridge is not None for segment in network.segments.values()):
        on = [machine.name for machine in network.machines.values() if machine.bridge_nf]
        said.append(
            "bridge-nf-call-iptables is 1 on " + ", ".join(on)
            if on
            else "bridge-nf-call-iptables is 0: bridged frames pass no ip rules"
        )
        if assumptions.libvirt_rules:
            said.append("libvirt adds the rules of each network's forward mode (none for open)")
    if wiring.internet is not None and assumptions.internet_translates:
        said.append(f"{wiring.internet} forwards, and translates the sources of what leaves for the internet")
    if network.unmanaged:
        said.append(f"the hand-off sheets are followed: {', '.join(network.unmanaged)}")
    if wiring.held:
        said.append("virtual addresses are on the nodes that hold them")
    if assumptions.system_sysctls:
        systems = sorted({system for system in wiring.systems.values() if system in SYSTEM_SYSCTLS})
        said += (f"{system}'s own sysctl.d: {_one_line(SYSTEM_SYSCTLS[system])}" for system in systems)
    if any(machine.parameters.relaxed for machine in network.machines.values()):
        said.append("NetworkManager makes a strict rp_filter loose on a card with a default route, as 1.42 does")
    if _has_rulesets(network) and not is_usable():
        said.append("nft, which can't be run here, loads every ruleset of which the reader knows each word")
    said.append("every link carries packets of any size: MTUs are not judged")
    said.append("nothing else on the machines adds routes or rules (firewalld and Docker are off)")
    return tuple(said)


def _has_rulesets(network: Network) -> bool:
    """Whether a file, not only another program, brings rules."""
    return any(
        chain.origin.file.startswith(f"{machine.name}/")
        for machine in network.machines.values()
        for chain in machine.firewall.chains
    )


def _one_line(text: str) -> str:
    return "; ".join(line.replace(" = ", "=") for line in text.strip().split("\n"))
