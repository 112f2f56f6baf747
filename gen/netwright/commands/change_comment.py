"""The comment on a change: what it does to flows, the plan by machine, the ways that change, and the files."""

from msgspec import Struct
from msgspec.structs import replace

from netwright.commands.comparing import compare_production
from netwright.compare.revision import Past
from netwright.production.production import Production
from netwright.rollout.markdown import render_markdown as render_plan
from netwright.rollout.rollout import plan_rollout
from netwright.verdict_formats.judgement import Judgement
from netwright.verdict_formats.markdown import render_markdown, render_picture
from netwright.write import Differences, render_diff_markdown
from netwright.write.rendering import COMMENT_LIMIT

RESERVE = 1_000
"""Characters left to whoever publishes the comment, for a mark or a line of its own."""


class Consequences(Struct, frozen=True, kw_only=True):
    """What follows from a change: the plan of its machines as Markdown, and the files that differ."""

    plan: str
    files: Differences


def find_consequences(production: Production, past: Past, state: str, out: str, *, quiet: bool) -> Consequences | None:
    """What follows from an earlier state to what the topology generates; None where nothing does."""
    found = compare_production(production, past.out, quiet=quiet, keep_bytes=True, known=False)
    if found.report.errors or not found.differs:
        return None
    rollout = plan_rollout(production, found, past.out, state, past.resolved)
    return Consequences(plan=render_plan(rollout) if rollout.machines else "", files=replace(found, title=out))


def render_comment(judgement: Judgement, consequences: Consequences | None) -> str:
    """The comment, short enough for GitHub."""
    head, picture = render_markdown(judgement), render_picture(judgement)
    if consequences is None:
        return head + picture
    text = "".join((head, "\n", consequences.plan, picture))
    return f"{text}\n{render_diff_markdown(consequences.files, limit=COMMENT_LIMIT - RESERVE - len(text))}"
