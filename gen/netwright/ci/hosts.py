"""What a job knows of its change, from the variables that GitHub and GitLab set."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from netwright.ci.api import Comments, call


class Change(Struct, frozen=True, kw_only=True):
    """The change under review: the revision it starts from, and where comments on it go.

    `base` is None where there is nothing to compare with; `silent` says why there can be no comment.
    """

    base: str | None
    comments: Comments | None = None
    silent: str = ""


def github_change(variables: Mapping[str, str]) -> Change:
    """Return the pull request of a job at GitHub (docs.github.com: variables reference; REST, issue comments)."""
    event: dict[str, Any] = json.loads(Path(variables.get("GITHUB_EVENT_PATH", "/dev/null")).read_text() or "{}")
    request = event.get("pull_request")
    if request is None:
        return Change(base=event.get("before"), silent="this is no pull request")
    token = variables.get("NETWRIGHT_TOKEN", "")
    if not token:
        return Change(base=request["base"]["sha"], silent="there is no token")
    issues = f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}/issues"
    comments = Comments(
        listing=f"{issues}/{request['number']}/comments",
        single=f"{issues}/comments/{{}}",
        method="PATCH",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
        author=variables.get("NETWRIGHT_AUTHOR") or "github-actions[bot]",
    )
    return Change(base=request["base"]["sha"], comments=comments)


def gitlab_change(variables: Mapping[str, str]) -> Change:
    """Return the merge request of a job at GitLab (docs.gitlab.com: predefined variables, notes API). ApiError."""
    number = variables.get("CI_MERGE_REQUEST_IID")
    if number is None:
        return Change(base=variables.get("CI_COMMIT_BEFORE_SHA"), silent="this is no merge request")
    base, token = variables.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"), variables.get("NETWRIGHT_TOKEN", "")
    if not token:
        return Change(base=base, silent="NETWRIGHT_TOKEN is not set: an access token of the project with the scope api")
    headers = {"PRIVATE-TOKEN": token}
    person, _ = call(f"{variables['CI_API_V4_URL']}/user", "GET", headers)
    notes = f"{variables['CI_API_V4_URL']}/projects/{variables['CI_PROJECT_ID']}/merge_requests/{number}/notes"
    comments = Comments(listing=notes, single=f"{notes}/{{}}", method="PUT", headers=headers, author=person["id"])
    return Change(base=base, comments=comments)
