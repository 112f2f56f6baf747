"""What a running cluster and libvirt know, taken over into a topology or held against one."""

from gen.importing.compare import compare_with_cluster, report_differences
from gen.importing.errors import ImportFileError, tell_left_out
from gen.importing.kubectl import ClusterNode, read_cluster
from gen.importing.libvirt import LibvirtDefinition, read_libvirt
from gen.importing.topology import Draft, draft_topology

__all__ = [
    "ClusterNode",
    "Draft",
    "ImportFileError",
    "LibvirtDefinition",
    "compare_with_cluster",
    "draft_topology",
    "read_cluster",
    "read_libvirt",
    "report_differences",
    "tell_left_out",
]
