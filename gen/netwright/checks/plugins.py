"""Network plugins of Kubernetes: what those besides flannel demand of their nodes."""

from collections.abc import Iterator

from netwright.checks.survey import Survey
from netwright.checks.violation import Violation, error
from netwright.topology.settings import interface_key

_LARGEST = {"cilium": 0, "calico": 1, "canal": 1}
"""The largest net.ipv4.conf.all.rp_filter with which a plugin works: Cilium's own interfaces must not filter by the
reverse path (tools/sysctlfix); Calico's Felix ends where it is loose (felix/dataplane/linux/int_dataplane.go), and is
part of Canal."""


def plugin_takes_the_reverse_path_filter(survey: Survey) -> Iterator[Violation]:
    """The reverse path filter of Kubernetes nodes is as their network plugin demands it.

    Of `all` and the interface the larger value counts. With Cilium it has to be off for all, and is set so; Calico and
    Canal do not start where it is loose for all.

    Fails:

        kubernetes: {cni: {plugin: calico}}
        nodes:
          worker1: {rp_filter: loose}

    Passes:

        kubernetes: {cni: {plugin: calico}}
        nodes:
          worker1: {rp_filter: strict}
    """
    kubernetes = survey.resolved.topology.kubernetes
    largest = _LARGEST.get(kubernetes.plugin) if kubernetes is not None else None
    for node in survey.nodes:
        stated = survey.parameters[node.name].get(interface_key("all", "rp_filter"))
        if kubernetes is None or largest is None or node.role is None or stated is None:
            continue
        if not stated.value.isdecimal() or int(stated.value) > largest:
            right = "off (0)" if largest == 0 else "off (0) or strict (1)"
            message = (
                f"{kubernetes.plugin} needs {'.'.join(stated.key)} of {node.name} to be {right}; change or omit it"
            )
            yield error(stated.cause, message)


def plugin_uses_what_is_stated(survey: Survey) -> Iterator[Violation]:
    """Settings of the network plugin are those that it has: `backend` and `interface` are flannel's.

    Fails:

        kubernetes: {cni: {plugin: cilium, backend: host-gw}}

    Passes:

        kubernetes: {cni: {plugin: cilium, routes: node}}
    """
    kubernetes = survey.resolved.topology.kubernetes
    if kubernetes is None:
        return
    for key in kubernetes.unused:
        whose = "flannel's" if key in ("backend", "interface") else "that of a plugin other than flannel"
        message = f"{key} is {whose}, and the plugin is {kubernetes.plugin}; leave it out"
        yield error(("kubernetes", "cni", key), message)


RULES = (plugin_takes_the_reverse_path_filter, plugin_uses_what_is_stated)
