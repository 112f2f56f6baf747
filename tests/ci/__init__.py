"""The recipes for CI: action.yml, ci/gitlab.yml, .pre-commit-hooks.yaml, and what they run."""
