"""cloud-config documents merged into one, without one of them silently winning over another."""

from collections.abc import Iterator, Mapping
from typing import Any

from gen.report import Diagnostic, Report, Severity
from gen.source import Source, TopologyPath, format_path, locate
from gen.targets.yaml11 import load_yaml11

CloudConfig = dict[str, Any]


def merge_cloud_config(base: Mapping[str, Any], snippets: tuple[Source, ...]) -> tuple[CloudConfig, Report]:
    """The base with all snippets merged in, and where they contradict it or each other.

    Lists add up, the base's members first; mappings merge key by key; any other value may be given once only, and so
    may the path of a write_files entry.
    """
    merged: CloudConfig = dict(base)
    origins: dict[TopologyPath, str] = {}
    written: dict[str, str] = {str(file["path"]): "what netwright writes itself" for file in base["write_files"]}
    report = Report()
    for source in snippets:
        document, loading = load_yaml11(source)
        report += loading
        if loading.errors or document is None:
            continue
        if not isinstance(document, dict):
            report += Report.about(source, [_error((), "a cloud-config is a mapping such as {packages: [tmux]}")])
            continue
        report += Report.about(source, _written_twice(source, document, written))
        report += Report.about(source, _merge_into(merged, document, (), source, origins))
    return merged, report


def _merge_into(
    merged: CloudConfig,
    snippet: Mapping[str, Any],
    path: TopologyPath,
    source: Source,
    origins: dict[TopologyPath, str],
) -> Iterator[Diagnostic]:
    for key, value in snippet.items():
        at = (*path, key)
        if key not in merged:
            merged[key] = value
            origins[at] = _place(source, at)
        elif isinstance(merged[key], list) and isinstance(value, list):
            merged[key] = [*merged[key], *value]
        elif isinstance(merged[key], dict) and isinstance(value, dict):
            merged[key] = dict(merged[key])
            yield from _merge_into(merged[key], value, at, source, origins)
        elif merged[key] != value or path == ():
            origin = next((origins[at[:n]] for n in range(len(at), 0, -1) if at[:n] in origins), "netwright itself")
            yield _error(at, f"is already given by {origin}; keep one of them")


def _written_twice(source: Source, document: Mapping[str, Any], written: dict[str, str]) -> Iterator[Diagnostic]:
    files = document.get("write_files")
    for number, file in enumerate(files if isinstance(files, list) else ()):
        if not isinstance(file, dict) or "path" not in file:
            continue
        at: TopologyPath = ("write_files", number, "path")
        path = str(file["path"])
        if path in written and not file.get("append"):
            yield _error(at, f"{path} is already written by {written[path]}; keep one of them")
        written.setdefault(path, _place(source, at))


def _place(source: Source, path: TopologyPath) -> str:
    position = locate(source, [path])[path].value
    return f"{source.name}:{position.line}:{position.column} ({format_path(path)})"


def _error(path: TopologyPath, message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=path, rule="snippets_do_not_contradict", message=message)
