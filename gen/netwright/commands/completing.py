"""What a shell offers for an argument: names of flows, and lines of files."""

import os

import click
from click.shell_completion import CompletionItem

from netwright.text.load import load, read_source

MOST_LINES = 1_000


def complete_flow(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of the topology's flows that begin so."""
    source, _ = read_source(ctx.params.get("topology") or "topology.yaml")
    document, _ = load(source) if source is not None else (None, None)
    flows = document.get("flows") if isinstance(document, dict) else None
    return [name for name in flows if name.startswith(incomplete)] if isinstance(flows, dict) else []


def complete_place(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the lines of the file that is named, each with its text; the shell completes the file itself."""
    path, _, number = incomplete.partition(":")
    if not os.path.isfile(path):
        return [CompletionItem(incomplete, type="file")]
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for _, line in zip(range(MOST_LINES), file, strict=False)]
    found = [(count, text) for count, text in enumerate(lines, start=1) if text and str(count).startswith(number)]
    return [CompletionItem(f"{path}:{count}", help=text.replace("\t", " ")) for count, text in found]
