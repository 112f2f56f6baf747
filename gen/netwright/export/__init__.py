"""The resolved topology for other programs: name services, Terraform, Ansible."""

from netwright.export.documents import render_ansible, render_json, render_tfvars
from netwright.export.names import render_coredns, render_dnsmasq, render_hosts

__all__ = (
    "render_ansible",
    "render_coredns",
    "render_dnsmasq",
    "render_hosts",
    "render_json",
    "render_tfvars",
)
