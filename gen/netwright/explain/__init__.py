"""Explanations of a generated line, and of a flow's needs."""

from netwright.explain.explanation import Explanation, describe_flow, explain_line, explanation_json
from netwright.explain.show import explanation_text, story_text
from netwright.explain.story import Story, story_json, tell_story

__all__ = [
    "Explanation",
    "Story",
    "describe_flow",
    "explain_line",
    "explanation_json",
    "explanation_text",
    "story_json",
    "story_text",
    "tell_story",
]
