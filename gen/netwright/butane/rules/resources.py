"""Rules of what is fetched: resources, their hashes and headers, proxies."""

import re
from collections.abc import Mapping
from typing import Any

from netwright.butane.findings import Diagnostics
from netwright.butane.rules.urls import url_problem, url_scheme
from netwright.text.source import TopologyPath

_HASH_DIGITS = {"sha256": 64, "sha512": 128}


def resource_is_fetchable(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics, *, arn: bool) -> None:
    """A resource has a known compression and scheme, and headers and hashes only where they can be used.

    Passes: {source: "https://example.com/k3s", verification: {hash: sha256-...}}. Fails: {source: "ftp://example.com/"},
    {compression: xz}, {verification: {hash: sha256-...}} without contents.
    """
    source = value.get("source")
    compression = value.get("compression")
    if compression and compression != "gzip":
        found.error(
            (*path, "compression"), "resource_is_fetchable", f"{compression} is no known compression; use gzip or none"
        )
    if source is None and "hash" in value.get("verification", {}):
        found.error(
            (*path, "verification", "hash"),
            "resource_is_fetchable",
            "there is nothing to verify; give source, inline or local",
        )
    # What this compiler encoded itself needs no decoding to be known as valid.
    problem = url_problem(source, arn=arn) if source and not _PLAIN_DATA.match(source) else None
    if source and problem:
        found.error((*path, "source"), "resource_is_fetchable", f"{_shortened(source)} {problem}")
    if value.get("httpHeaders"):
        scheme = url_scheme(source) if source else None
        if scheme not in {"http", "https"}:
            found.error(
                (*path, "http_headers"), "resource_is_fetchable", "headers are only sent to http and https; remove them"
            )


_PLAIN_DATA = re.compile(r"data:,(?:[A-Za-z0-9\-_.!~*'()]|%[0-9A-F]{2})*\Z")


def _shortened(url: str) -> str:
    return url if len(url) <= 80 else url[:77] + "..."


def source_is_given(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics, *, arn: bool) -> None:
    """A config to merge and a certificate authority need contents.

    Passes: {source: "https://example.com/base.ign"}. Fails: {}, {source: ""}.
    """
    source = value.get("source")
    if not source:
        found.error(path, "source_is_given", "there are no contents; give source, inline or local")
    elif problem := url_problem(source, arn=arn):
        found.error(path, "source_is_given", f"{_shortened(source)} {problem}")


def hash_has_its_length(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A hash is sha256- or sha512- and as many hexadecimal digits as that has.

    Passes: sha256- and 64 digits. Fails: sha1-00, sha256-00, 64 bare digits.
    """
    if "hash" not in value:
        return
    function, dash, digits = value["hash"].partition("-")
    where = (*path, "hash")
    length = _HASH_DIGITS.get(function)
    if not dash or length is None:
        found.error(
            where,
            "hash_has_its_length",
            f"{_shortened(value['hash'])} names no known hash; write sha256-HEX or sha512-HEX",
        )
    elif len(digits.encode("utf-8", "surrogateescape")) != length:
        found.error(
            where, "hash_has_its_length", f"{function} has {length} digits, here are {len(digits)}; give all of them"
        )


def header_has_name_and_value(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A header has a name, and a value that is not empty; without a value it is removed from an inherited list.

    Passes: {name: Authorization, value: Bearer x}, {name: Cookie}. Fails: {value: x}, {name: Cookie, value: ""}.
    """
    if not value["name"]:
        found.error((*path, "name"), "header_has_name_and_value", "the header's name is missing; give one")
    if value.get("value") == "":
        found.error(
            (*path, "value"), "header_has_name_and_value", "the header's value is empty; give one or leave it out"
        )


def proxy_is_http(value: Mapping[str, Any], path: TopologyPath, found: Diagnostics) -> None:
    """A proxy is an http or https URL, and an https one for https.

    Passes: http://10.0.0.1:3128. Warns: https_proxy with http. Fails: socks5://10.0.0.1.
    """
    for field, name in (("httpProxy", "http_proxy"), ("httpsProxy", "https_proxy")):
        if field not in value:
            continue
        scheme = url_scheme(value[field])
        if scheme not in {"http", "https"}:
            found.error((*path, name), "proxy_is_http", f"{value[field]!r} is no proxy; use http:// or https://")
        elif scheme == "http" and name == "https_proxy":
            found.warning(
                (*path, name), "proxy_is_http", "https goes through a plain http proxy; use an https:// proxy"
            )
