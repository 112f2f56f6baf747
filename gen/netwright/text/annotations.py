"""Findings as GitHub's workflow commands, which show each at its line of a change."""

import os

from netwright.text.report import Report, printable
from netwright.text.source import format_path

NO_LINE = 1
"""The line at which a finding about a whole file is shown."""


def render_annotations(report: Report) -> str:
    """The findings, one command a line; "" if there are none."""
    return "".join(
        annotation(
            str(finding.diagnostic.severity),
            file=finding.source.name,
            line=finding.position.line if finding.position is not None else NO_LINE,
            column=finding.position.column if finding.position is not None else None,
            title=finding.diagnostic.rule,
            message=": ".join(filter(None, (format_path(finding.diagnostic.path), finding.diagnostic.message))),
        )
        for finding in report.findings()
    )


def annotation(severity: str, *, file: str, line: int, title: str, message: str, column: int | None = None) -> str:
    """One command as a line; `severity` is `error` or `warning`, `message` may have several lines.

    The form, and what is escaped in values and in the message, are those of actions/toolkit
    (packages/core/src/command.ts).
    """
    properties = {"file": os.path.normpath(file), "line": str(line), "col": str(column or ""), "title": title}
    shown = ",".join(f"{key}={_property(printable(value))}" for key, value in properties.items() if value)
    return f"::{severity} {shown}::{_data(chr(10).join(map(printable, message.splitlines())))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
