"""The page: one file of HTML with its style and its script, which loads nothing."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from netwright import __version__
from netwright.files.resources import resource_text
from netwright.graph.svg_style import style_lines
from netwright.matrix.shades import DARK, LIGHT
from netwright.report.contents import Contents
from netwright.text.report import printable

if TYPE_CHECKING:
    from jinja2 import Template


def render_page(contents: Contents) -> str:
    """The page of some contents."""
    from markupsafe import Markup  # noqa: PLC0415 (only a page needs it)

    script = resource_text("templates", "report/page.js")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _template().render(
        contents=contents,
        version=__version__,
        picture=Markup(contents.picture),  # noqa: S704 (ours, as are the three below)
        style=Markup(_style()),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_digest=digest,
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        autoescape=True,
        finalize=lambda value: _shown(value) if type(value) is str else value,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.from_string(resource_text("templates", "report/page.html"))


def _style() -> str:
    return "\n".join(
        [
            resource_text("templates", "report/page.css"),
            *style_lines(allowed=True),
            *_shades(LIGHT),
            "@media screen and (prefers-color-scheme: dark) {",
            *_shades(DARK),
            "}",
        ]
    )


def _shades(shades: Mapping[str, tuple[str, str]]) -> list[str]:
    """The colours of the cells of matrices."""
    cells = ((kind, pair) for kind, pair in shades.items() if kind not in ("paper", "note"))
    return [f".cell-{kind} {{ background-color: {fill}; color: {ink}; }}" for kind, (fill, ink) in cells]


def _shown(text: str) -> str:
    """The text without characters that are not seen; its lines stay lines."""
    return "\n".join(printable(line) for line in text.split("\n"))
