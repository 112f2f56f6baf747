"""A code host's API on loopback: comments of one change, in pages of two, with what was asked of it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 2


class FakeApi:
    """The comments of a change; `refuses` is a status with which every writing is answered."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.comments: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str | None] = set()
        self.refuses: int | None = None

    def add(self, body: str, *, by: str = "github-actions[bot]", number: int = 7) -> None:
        """Adds a comment."""
        user = {"login": by, "id": number}
        self.comments.append({"id": 100 + len(self.comments), "body": body, "user": user, "author": user})

    def answer(self, method: str, path: str, document: Any) -> tuple[int, object, str]:
        """Return the status, the document and the header Link."""
        parts = urlsplit(path)
        self.asked.append((method, parts.path))
        if method == "GET" and parts.path.endswith("/user"):
            return 200, {"id": 7}, ""
        if method == "GET":
            page = int(parse_qs(parts.query).get("page", ["1"])[0])
            shown = self.comments[(page - 1) * PAGE : page * PAGE]
            more = len(self.comments) > page * PAGE
            return 200, shown, f'<{self.url}{parts.path}?page={page + 1}>; rel="next"' if more else ""
        if self.refuses is not None:
            return self.refuses, {"message": "Resource not accessible by integration"}, ""
        if method == "POST":
            self.add(document["body"])
            return 201, self.comments[-1], ""
        (comment,) = (one for one in self.comments if one["id"] == int(parts.path.rsplit("/", 1)[1]))
        comment["body"] = document["body"]
        return 200, comment, ""


@contextmanager
def served_api() -> Iterator[FakeApi]:
    """The API while it answers."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            document = json.loads(self.rfile.read(length)) if length else None
            api.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN"))
            status, shown, link = api.answer(self.command, self.path, document)
            self.send_response(status)
            if link:
                self.send_header("Link", link)
            self.end_headers()
            self.wfile.write(json.dumps(shown).encode())

        do_GET = do_POST = do_PATCH = do_PUT = _do  # noqa: N815 (http.server's names)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api = FakeApi(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
