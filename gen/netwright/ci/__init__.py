"""The review of a change in CI: check, diff and verify, with one comment that is kept up to date.

`action.yml` runs `python -P -m netwright.ci github`, `ci/gitlab.yml` runs `python -P -m netwright.ci gitlab`. It runs
netwright as a program, and is the only part of it that speaks to an API: the code host's.
"""
