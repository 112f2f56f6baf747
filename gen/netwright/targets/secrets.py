"""Secrets in what machines are provisioned with: placeholders that stay as they are until something fills them in."""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

from netwright.butane import percent_url
from netwright.files.artifact import Artifact
from netwright.plan.types import NodePlan
from netwright.targets.context import TargetContext
from netwright.templating.snippets import placeholder
from netwright.text.report import Diagnostic, Report, Severity

_DATA_URL = re.compile(r'(?<!\\)"data:([^",]*),([^"]*)"')
_INTERPOLATION = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
"""What Terraform's templatefile() takes for its own; doubled signs are not."""


def keep_literal(ignition: str, secrets: Sequence[str]) -> str:
    """The Ignition config with the secrets' placeholders as they are in data URLs, which Butane would encode."""
    if not secrets:
        return ignition
    known = [placeholder(name) for name in secrets]

    def shown(found: re.Match[str]) -> str:
        contents = b64decode(found[2]) if found[1].endswith(";base64") else unquote_to_bytes(found[2])
        text = contents.decode("utf-8", "surrogateescape")
        if not any(one in text for one in known):
            return found[0]
        url = percent_url(text)
        for one in known:
            url = url.replace(percent_url(one).removeprefix("data:,"), one)
        return f'"{url}"'

    return _DATA_URL.sub(shown, ignition)


def check_secrets(
    plan: NodePlan, secrets: Sequence[str], artifacts: Sequence[Artifact], context: TargetContext
) -> Report:
    """What is wrong with secrets in a node's artifacts: hidden by an encoding, or beside what is taken for one."""
    if not secrets:
        return Report()
    return Report.about(context.topology, _findings(plan, secrets, artifacts))


def _findings(plan: NodePlan, secrets: Sequence[str], artifacts: Sequence[Artifact]) -> Iterator[Diagnostic]:
    snippets = (*plan.butane_snippets, *plan.cloud_init_snippets)
    cause = next(snippet.cause for snippet in snippets if snippet.is_template)
    for artifact in artifacts:
        text = artifact.content.decode(errors="replace")
        for name in secrets:
            if placeholder(name) not in text:
                message = (
                    f"{placeholder(name)}, which secret() gives, is not found in {plan.name}/{artifact.path}; let no "
                    "filter change it, and compress or encode nothing that holds it"
                )
                yield Diagnostic(severity=Severity.ERROR, path=cause, rule="secrets_stay_literal", message=message)
        for number, line in enumerate(_without_placeholders(text, secrets).split("\n"), start=1):
            if found := _INTERPOLATION.search(line):
                message = (
                    f"{plan.name}/{artifact.path}:{number} has {found[0]} besides secrets, which Terraform's "
                    f"templatefile() would take for its own; write ${found[0]} if that fills in the secrets (or use "
                    f"envsubst with a list of them), or write it without braces"
                )
                yield Diagnostic(severity=Severity.WARNING, path=cause, rule="secrets_stand_alone", message=message)
                break


def _without_placeholders(text: str, secrets: Sequence[str]) -> str:
    for name in secrets:
        text = text.replace(placeholder(name), "")
    return text
