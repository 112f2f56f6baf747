"""Rules for a config: one rule a function, by the name of the object it judges."""

from collections.abc import Mapping
from functools import partial

from netwright.butane.findings import Rule
from netwright.butane.rules.disks import (
    disk_is_partitionable,
    filesystem_is_creatable,
    luks_is_openable,
    partition_is_described,
    raid_is_assemblable,
)
from netwright.butane.rules.paths import owner_is_id_or_name
from netwright.butane.rules.resources import (
    hash_has_its_length,
    header_has_name_and_value,
    proxy_is_http,
    resource_is_fetchable,
)
from netwright.butane.rules.storage import directory_is_creatable, file_is_writable, link_has_path
from netwright.butane.rules.systemd import dropin_is_well_formed, unit_is_well_formed

IGNITION_RULES: Mapping[str, Rule] = {
    "directory": directory_is_creatable,
    "disk": disk_is_partitionable,
    "dropin": dropin_is_well_formed,
    "file": file_is_writable,
    "filesystem": filesystem_is_creatable,
    "http_header": header_has_name_and_value,
    "link": link_has_path,
    "luks": luks_is_openable,
    "owner": owner_is_id_or_name,
    "partition": partition_is_described,
    "proxy": proxy_is_http,
    "raid": raid_is_assemblable,
    "resource": partial(resource_is_fetchable, arn=False),
    "unit": unit_is_well_formed,
    "verification": hash_has_its_length,
}
"""The rules of a single object, applied to its Ignition form."""


def ignition_rules(ignition_version: str) -> Mapping[str, Rule]:
    """The rules of the Ignition version; from 3.4.0 on resources may be S3 ARNs."""
    if ignition_version == "3.3.0":
        return IGNITION_RULES
    return {**IGNITION_RULES, "resource": partial(resource_is_fetchable, arn=True)}
