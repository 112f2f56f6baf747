"""URLs as Go reads them, and data URLs as Ignition decodes them."""

import re
from functools import lru_cache
from urllib.parse import parse_qs

from netwright.butane.encoding import decode_base64


@lru_cache(maxsize=1024)
def url_scheme(url: str) -> str | None:
    """The scheme in lower case, "" if the URL has none, None where Go's url.Parse fails."""
    if re.search(r"[\x00-\x1f\x7f]", url) or url.startswith(":"):
        return None
    rest, _, fragment = url.partition("#")
    if not _escapes_are_whole(fragment):
        return None
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", rest)
    scheme = found[1].lower() if found else ""
    hierarchy = rest[found.end() :].partition("?")[0] if found else rest.partition("?")[0]
    if scheme and not hierarchy.startswith("/"):
        return scheme  # opaque, such as data: and arn:, and never looked into
    if not scheme and ":" in hierarchy.partition("/")[0]:
        return None
    if hierarchy.startswith("//") and (scheme or not hierarchy.startswith("///")):
        authority, slash, below = hierarchy[2:].partition("/")
        if not _authority_is_valid(authority):
            return None
        hierarchy = slash + below
    return scheme if _escapes_are_whole(hierarchy) else None


def _escapes_are_whole(text: str) -> bool:
    return re.search(r"%(?![0-9A-Fa-f]{2})", text) is None


def _authority_is_valid(authority: str) -> bool:
    userinfo, at, host = authority.rpartition("@")
    if at and not (re.fullmatch(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*", userinfo) and _escapes_are_whole(userinfo)):
        return False
    if host.startswith("["):
        literal, bracket, port = host.rpartition("]")
        if not bracket:
            return False
        # Within brackets a zone may hold any escape (%25eth0).
        address = re.sub(r"%25[^\]]*$", "", literal)
        return _port_is_valid(port) and _host_is_valid(address) and _escapes_are_whole(literal)
    colon = host.rfind(":")
    return (colon < 0 or _port_is_valid(host[colon:])) and _host_is_valid(host)


def _port_is_valid(port: str) -> bool:
    return re.fullmatch(r"(:[0-9]*)?", port) is not None


def _host_is_valid(host: str) -> bool:
    # Only bytes beyond ASCII and the percent sign itself may be escaped in a host.
    return (
        re.fullmatch(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"]|[^\x00-\x7f]|%25|%[89A-Fa-f][0-9A-Fa-f])*", host)
        is not None
    )


@lru_cache(maxsize=1024)
def url_problem(url: str, *, arn: bool) -> str | None:
    """Return what keeps Ignition from fetching the URL, None if nothing does; with `arn` S3 ARNs are known."""
    scheme = url_scheme(url)
    match scheme:
        case None:
            return "is not a URL; write it like https://HOST/PATH, other characters as %XX"
        case "http" | "https" | "tftp" | "gs":
            return None
        case "s3":
            return _object_version_problem(url)
        case "arn" if arn:
            return _arn_problem(url)
        case "data":
            return data_url_problem(url)
    known = "http, https, tftp, s3, arn, gs or data" if arn else "http, https, tftp, s3, gs or data"
    return f"has {f'the unknown scheme {scheme}' if scheme else 'no scheme'}; use {known}"


def _object_version_problem(url: str) -> str | None:
    query = parse_qs(url.partition("#")[0].partition("?")[2], keep_blank_values=True)
    return "has an empty versionId; name a version or leave it out" if query.get("versionId", ["1"])[0] == "" else None


def _arn_problem(url: str) -> str | None:
    opaque = url.partition("#")[0].partition("?")[0].partition(":")[2]
    parts = f"arn:{opaque}".split(":", 5)
    slashes = opaque.count("/")
    wanted = 2 if parts[-1].startswith("accesspoint/") else 1
    if opaque.startswith("/") or len(parts) < 6 or parts[2] != "s3" or slashes < wanted:
        return "is not the ARN of an S3 object; use arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY"
    return _object_version_problem(url)


_CHAR = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]"
_MEDIA_TYPE = rf"(?:[xX]-{_CHAR}*|(?:text|image|audio|video|application|message|multipart){_CHAR}*)/{_CHAR}*"
_VALUE = r"(?:[!#$&'*+\-.0-9A-Z^_`a-z{|}~]|%[0-9A-Fa-f]{2})+"
_QUOTED = (
    r'"(?:[\x00-\x09\x0b-\x21\x23-\x5b\x5d-\x7f]'
    r'|\\(?:[abfnrtv\\"]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{3}))*"'
)
_PARAMETER = rf";{_CHAR}+=(?:{_QUOTED}|{_VALUE})"
_DATA_URL = re.compile(rf"data:(?:{_MEDIA_TYPE})?(?:{_PARAMETER})*(;base64)?,", re.DOTALL)
_DATA = re.compile(r"(?:[!$&-;=?-Z_a-z~]|%[0-9A-Fa-f]{2})*")


def data_url_problem(url: str) -> str | None:
    """Return what keeps Ignition from decoding the data URL, None if nothing does."""
    head = _DATA_URL.match(url)
    if head is None:
        return "is not a data URL; write data:,TEXT or data:;base64,BYTES"
    data = url[head.end() :]
    if head[1] is None:
        bad = _DATA.match(data)
        if bad is not None and bad.end() == len(data):
            return None
        return "holds a character that must be percent-encoded; only letters, digits and -_.!~*'() are safe"
    return "is not valid base64; encode the bytes again" if "\r" in data or decode_base64(data) is None else None
