"""Comments of a change at GitHub's and GitLab's API: found by their mark, created once, and updated after that."""

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from msgspec import Struct

SECONDS = 30
"""Most seconds that one answer may take."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


class ApiError(Exception):
    """An answer of the API that is none, in words for the log."""


class Comments(Struct, frozen=True, kw_only=True):
    """The comments of one change.

    `listing` is the URL of all, to which a new one is POSTed; `single` has `{}` for the number of one, which is changed
    by `method`. `author` is who a comment of ours is by: the name at GitHub (its `login`), the number at GitLab.
    """

    listing: str
    single: str
    method: str
    headers: Mapping[str, str]
    author: str | int

    def publish(self, mark: str, body: str) -> str:
        """Create the comment that begins with a mark, or update it; return "created" or "updated".

        A comment of another person that begins with the mark stays as it is. Raises ApiError.
        """
        number = self._find(mark)
        if number is None:
            self._call(self.listing, "POST", {"body": body})
            return "created"
        self._call(self.single.format(number), self.method, {"body": body})
        return "updated"

    def _find(self, mark: str) -> int | None:
        ours = (one["id"] for one in self._all() if one["body"].startswith(mark) and self._is_ours(one))
        return next(ours, None)

    def _is_ours(self, comment: Mapping[str, Any]) -> bool:
        by = comment.get("user") or comment.get("author") or {}
        return self.author in (by.get("login"), by.get("id"))

    def _all(self) -> Iterator[dict[str, Any]]:
        """Yield every comment, page by page, as the header Link leads on (RFC 8288)."""
        url: str | None = f"{self.listing}?per_page=100"
        while url is not None:
            page, links = self._call(url, "GET")
            yield from page
            following = _NEXT.search(links)
            url = following[1] if following is not None and _host(following[1]) == _host(self.listing) else None

    def _call(self, url: str, method: str, document: object = None) -> tuple[Any, str]:
        return call(url, method, self.headers, document)


def call(url: str, method: str, headers: Mapping[str, str], document: object = None) -> tuple[Any, str]:
    """Return the answer's JSON and its header Link. Raises ApiError.

    A token goes through TLS, or to this computer, and nowhere else.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ApiError(f"{url} is no https:// address")
    data = json.dumps(document).encode() if document is not None else None
    asked = {"Content-Type": "application/json", "User-Agent": "netwright", **headers}
    request = urllib.request.Request(url, data=data, method=method, headers=asked)  # noqa: S310 (checked above)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 (checked above)
            return json.loads(answer.read()), answer.headers.get("Link", "")
    except HTTPError as error:
        raise ApiError(f"{method} {url}: {error.code} {error.reason}") from error
    except (URLError, OSError, ValueError) as error:
        raise ApiError(f"{method} {url}: {error}") from error


def _host(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]
