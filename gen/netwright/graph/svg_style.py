"""Colours and fonts of a picture: by day, by night, and on paper as by day."""

from collections.abc import Iterator

from msgspec import Struct

from netwright.graph.lettering import LETTERINGS

SCOPE = "netwright"
"""The class of the picture, below which alone its rules apply: a page has others."""


class _Palette(Struct, frozen=True, kw_only=True):
    paper: str
    panel: str
    ink: str
    soft_ink: str
    cable: str
    edge: str
    allowed: str
    allowed_tint: str
    denied: str
    denied_tint: str
    tab: str
    node: str
    host: str
    foreign: str
    pods: str
    forwards: str
    pool: str
    sky: str


_LIGHT = _Palette(
    paper="#ffffff", panel="#fbfcfd", ink="#1f2933", soft_ink="#52606d", cable="#7b8794", edge="#9aa5b1",
    allowed="#0b7a53", allowed_tint="#dff3ea", denied="#4b51b5", denied_tint="#e6e7fa",
    tab="#e4e7eb", node="#f5f9ff", host="#fff4dc", foreign="#f7f7f7",
    pods="#e3ecfa", forwards="#eadff7", pool="#f5f0fb", sky="#eaf4fc",
)  # fmt: skip
_DARK = _Palette(
    paper="#14191f", panel="#171d24", ink="#e6ebf0", soft_ink="#a9b4c0", cable="#73808e", edge="#5b6875",
    allowed="#4fd1a1", allowed_tint="#14392d", denied="#a9aefc", denied_tint="#2a2c52",
    tab="#2a323b", node="#1b2530", host="#352b14", foreign="#1d2126",
    pods="#223349", forwards="#33264a", pool="#2a2336", sky="#172a38",
)  # fmt: skip
"""A denied flow is no fault, so that its colour is none of alarm; its lines are dashed."""


def style_lines(*, allowed: bool) -> Iterator[str]:
    """The rules of a picture, with a flow in the colour of what is allowed or denied."""
    yield f".{SCOPE} text {{ font-family: sans-serif; white-space: pre; }}"
    for name, lettering in LETTERINGS.items():
        weight = " font-weight: bold;" if lettering.bold else ""
        family = " font-family: monospace;" if lettering.mono else ""
        yield f".{SCOPE} .{name} {{ font-size: {lettering.size}px;{weight}{family} }}"
    yield f".{SCOPE} .bar {{ stroke-width: 3; }}"
    yield f".{SCOPE} .link {{ stroke-width: 2; }}"
    yield f".{SCOPE} .plug, .{SCOPE} .node, .{SCOPE} .cloud {{ stroke-width: 1.5; }}"
    yield f".{SCOPE} .foreign {{ stroke-dasharray: 5 3; }}"
    yield f".{SCOPE} .announced {{ stroke-dasharray: 3 4; }}"
    yield f".{SCOPE} .flow {{ fill: none; stroke-width: 4;{'' if allowed else ' stroke-dasharray: 9 5;'} }}"
    yield f".{SCOPE} .on-flow {{ stroke-width: 2.5; }}"
    yield from (f".{SCOPE} {rule}" for rule in _colours(_LIGHT, allowed=allowed))
    yield "@media screen and (prefers-color-scheme: dark) {"
    yield from (f"  .{SCOPE} {rule}" for rule in _colours(_DARK, allowed=allowed))
    yield "}"


def _colours(shade: _Palette, *, allowed: bool) -> Iterator[str]:
    colour, tint = (shade.allowed, shade.allowed_tint) if allowed else (shade.denied, shade.denied_tint)
    yield f"text {{ fill: {shade.ink}; }}"
    yield f".line {{ fill: {shade.soft_ink}; }}"
    yield f".address {{ fill: {shade.soft_ink}; }}"
    yield f".paper {{ fill: {shade.paper}; }}"
    yield f".panel {{ fill: {shade.panel}; stroke: {shade.tab}; }}"
    yield f".bar {{ fill: {shade.cable}; stroke: {shade.paper}; }}"
    yield f".tab {{ fill: {shade.tab}; stroke: {shade.cable}; }}"
    yield f".link {{ stroke: {shade.cable}; }}"
    yield f".plug {{ fill: {shade.cable}; stroke: {shade.paper}; }}"
    yield f".node {{ fill: {shade.node}; stroke: {shade.edge}; }}"
    for kind in ("host", "foreign", "pods", "forwards", "pool"):
        yield f".{kind} {{ fill: {getattr(shade, kind)}; }}"
    yield f".cloud {{ fill: {shade.sky}; stroke: {shade.edge}; }}"
    yield f".flow, .{SCOPE} .on-flow {{ stroke: {colour}; }}"
    yield f".end {{ fill: {tint}; stroke: {colour}; }}"
    yield f".arrow {{ fill: {colour}; }}"
