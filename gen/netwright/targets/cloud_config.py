"""cloud-config documents merged into one, without one of them silently winning over another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from netwright.targets.yaml11 import load_yaml11
from netwright.text.report import Diagnostic, Report, Severity
from netwright.text.source import Source, TopologyPath, format_path, locate_each

CloudConfig = dict[str, Any]
Origin = tuple[Source, TopologyPath]


def merge_cloud_config(base: Mapping[str, Any], snippets: tuple[Source, ...]) -> tuple[CloudConfig, Report]:
    """The base with all snippets merged in, and where they contradict it or each other.

    Lists add up, the base's members first; mappings merge key by key; any other value may be given once only, and so
    may the path of a write_files entry.
    """
    merged: CloudConfig = dict(base)
    origins: dict[TopologyPath, Source] = {}
    written: dict[str, Origin | None] = {str(file["path"]): None for file in base["write_files"]}
    reports: list[Report] = []
    for source in snippets:
        document, loading = load_yaml11(source)
        reports.append(loading)
        if loading.errors or document is None:
            continue
        if not isinstance(document, dict):
            reports.append(Report.about(source, [_error((), "a cloud-config is a mapping such as {packages: [tmux]}")]))
            continue
        reports.append(Report.about(source, _written_twice(source, document, written)))
        given_twice = [*_merge_into(merged, document, (), source, origins)]
        messages = "is already given by {}; keep one of them"
        reports.append(Report.about(source, _name_origins(given_twice, messages, "netwright itself")))
    return merged, Report.of(reports)


def _merge_into(
    merged: CloudConfig,
    snippet: Mapping[str, Any],
    path: TopologyPath,
    source: Source,
    origins: dict[TopologyPath, Source],
) -> Iterator[tuple[TopologyPath, Origin | None]]:
    """Lay a snippet over what is merged, and yield each value that is given already, and who gave it."""
    for key, value in snippet.items():
        at = (*path, key)
        if key not in merged:
            merged[key] = value
            origins[at] = source
        elif isinstance(merged[key], list) and isinstance(value, list):
            merged[key] = [*merged[key], *value]
        elif isinstance(merged[key], dict) and isinstance(value, dict):
            merged[key] = dict(merged[key])
            yield from _merge_into(merged[key], value, at, source, origins)
        elif merged[key] != value or path == ():
            known = next((at[:length] for length in range(len(at), 0, -1) if at[:length] in origins), None)
            yield at, (origins[known], known) if known is not None else None


def _written_twice(
    source: Source, document: Mapping[str, Any], written: dict[str, Origin | None]
) -> Iterator[Diagnostic]:
    files = document.get("write_files")
    twice: list[tuple[TopologyPath, Origin | None]] = []
    paths: list[str] = []
    for number, file in enumerate(files if isinstance(files, list) else ()):
        if not isinstance(file, dict) or "path" not in file:
            continue
        at: TopologyPath = ("write_files", number, "path")
        path = str(file["path"])
        if path in written and not file.get("append"):
            twice.append((at, written[path]))
            paths.append(path)
        written.setdefault(path, (source, at))
    found = _name_origins(twice, "is already written by {}; keep one of them", "what netwright writes itself")
    yield from (replace(one, message=f"{path} {one.message}") for one, path in zip(found, paths, strict=True))


def _name_origins(
    found: Sequence[tuple[TopologyPath, Origin | None]], message: str, ourselves: str
) -> Iterator[Diagnostic]:
    """Yield an error about each value that names the place of the other one in `message`; every text is read once."""
    positions = iter(locate_each(origin for _, origin in found if origin is not None))
    for at, origin in found:
        position = next(positions) if origin is not None else None
        if origin is None or position is None:
            yield _error(at, message.format(ourselves))
            continue
        name = f"{origin[0].name}:{position.line}:{position.column} ({format_path(origin[1])})"
        yield _error(at, message.format(name))


def _error(path: TopologyPath, message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=path, rule="snippets_do_not_contradict", message=message)
