"""Knowledge of a running cluster, libvirt and machines, imported into a topology or compared with one."""

from netwright.importing.compare import compare_with_cluster, report_differences
from netwright.importing.errors import ImportFileError, tell_left_out
from netwright.importing.kubectl import ClusterNode, read_cluster
from netwright.importing.libvirt import LibvirtDefinition, read_libvirt
from netwright.importing.machine import MachineDefinition, read_machine
from netwright.importing.topology import Draft, draft_topology

__all__ = [
    "ClusterNode",
    "Draft",
    "ImportFileError",
    "LibvirtDefinition",
    "MachineDefinition",
    "compare_with_cluster",
    "draft_topology",
    "read_cluster",
    "read_libvirt",
    "read_machine",
    "report_differences",
    "tell_left_out",
]
