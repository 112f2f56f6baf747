"""Programs that run containers, and Kubernetes: what of them leaves the network of the host alone."""

import re
from collections.abc import Iterator, Sequence

from netwright.verify.reading.running.arguments import operands, option
from netwright.verify.reading.running.judge import STRANGE, Arguments, Judge, ProgramRule
from netwright.verify.reading.running.paths import words_of
from netwright.verify.values.wiring import PublishedPorts

_CONTAINER_VERBS = words_of("""
        pull push images image ps logs inspect version info login logout rm rmi stop kill wait build tag save
        load stats top events port prune exists diff history search cp export import commit healthcheck secret
        volume auto-update generate i
    """)


_POWERS = re.compile(r"--privileged(=true)?|--cap-add|--device|--pid=host|-v=?/:|--security-opt")


_PUBLISHING = re.compile(r"-[a-zA-Z]*[pP](?:$|[\d\[=])|--publish|--ip\b|--link|--mac-address")
_PUBLISHES = re.compile(r"(?:-[a-zA-Z]*p=?|--publish=?)(?P<ports>\d.*)?")
_PORTS = re.compile(r"(\d+)(?:-(\d+))?:(\d+)(?:-\d+)?(?:/(tcp|udp|sctp))?")


def _docker(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """As podman; where Docker is modelled, a container on its default bridge is, too, if it publishes nothing else than
    the topology has."""
    network = option(arguments, "--network", "--net")
    if judge.docker and network in (None, "bridge", "default") and arguments[:1] in (["run"], ["create"]):
        if not all(_is_stated(judge.published, text) for text in _published(arguments)):
            yield "a container that publishes ports: what is let through then is not known unless docker.publish has it"
        elif any(_POWERS.match(one) for one in arguments):
            yield "a container that may change the network of the host"
        return
    yield from _podman(judge, arguments)


def _published(arguments: Arguments) -> Iterator[str]:
    """Yield what a container publishes, as Docker is told it; what is no port at all addresses as it stands."""
    for number, word in enumerate(arguments):
        if not _PUBLISHING.match(word):
            continue
        told = _PUBLISHES.fullmatch(word)
        following = arguments[number + 1] if number + 1 < len(arguments) else ""
        yield word if told is None else told["ports"] or following


def _is_stated(published: Sequence[PublishedPorts], text: str) -> bool:
    """Return whether the topology has the ports that a container publishes, and those to which they lead."""
    told = _PORTS.fullmatch(text)
    if told is None:
        return False
    first, last, inner = int(told[1]), int(told[2] or told[1]), int(told[3])
    return any(
        one.protocol == (told[4] or "tcp")
        and one.ports[0] <= first <= last <= one.ports[1]
        and inner == (first if one.to_port is None else one.to_port)
        for one in published
    )


def _podman(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(arguments, valued="--log-level --root --runroot --connection --url -n --namespace -a")
    verb = words[0] if words else "version"
    if verb == "system" and words[1:2] in (["prune"], ["df"], ["info"]):
        return
    if verb in _CONTAINER_VERBS:
        return
    network = option(arguments, "--network", "--net")
    if verb not in ("run", "create", "start", "restart"):
        yield STRANGE
    elif verb in ("run", "create") and network not in ("host", "none"):
        yield "a container whose network is made for it, with rules of its own"
    elif any(_POWERS.match(one) for one in arguments):
        yield "a container that may change the network of the host"


def _contained(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    """ctr, crictl: pictures and lists, but no containers."""
    words = operands(arguments, valued="-n --namespace -a --address -r --runtime-endpoint -i")
    if words and words[0] not in _CONTAINER_VERBS:
        yield STRANGE


def _k3s(judge: Judge, arguments: Arguments) -> Iterator[str]:
    """K3s's own work is as in the assumptions."""
    words = operands(arguments[:1])
    if words and words[0] in ("kubectl", "ctr", "crictl"):
        yield from judge.nested([words[0], *arguments[1:]])
    elif words and words[0] not in (
        "server",
        "agent",
        "etcd-snapshot",
        "certificate",
        "token",
        "check-config",
        "secrets-encrypt",
        "completion",
    ):
        yield STRANGE


_READING = words_of("""
        get describe logs version cluster-info wait top explain api-resources api-versions auth config rollout
        label annotate taint cordon uncordon certificate completion drain
    """)


def _kubectl(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(arguments, valued="-n --namespace --kubeconfig --context -o -l --timeout --for")
    if words and words[0] not in _READING:
        yield "what Kubernetes makes of it is not known"


def _helm(_judge: Judge, arguments: Arguments) -> Iterator[str]:
    words = operands(arguments, valued="-n --namespace --kubeconfig")
    if words and words[0] not in (
        "list",
        "ls",
        "repo",
        "version",
        "status",
        "search",
        "get",
        "history",
        "template",
        "pull",
    ):
        yield "what Kubernetes makes of it is not known"


RULES_OF_CONTAINERS: dict[str, ProgramRule] = {
    "podman": _podman,
    "docker": _docker,
    **dict.fromkeys(("ctr", "crictl", "nerdctl"), _contained),
    "k3s": _k3s,
    "kubectl": _kubectl,
    "helm": _helm,
}
