"""docs/commands.md is what the commands' own help comes to."""

from netwright.tools.commands_docs import render_commands
from tests.netwright import PROJECT
from tests.pages import check_commands


def test_reference_of_commands_is_current() -> None:
    written = (PROJECT / "docs/commands.md").read_text(encoding="utf-8")

    assert written == render_commands(), "run make docs"


def test_examples_of_the_help_are_commands() -> None:
    page = render_commands()

    for block in page.split("```sh\n")[1:]:
        check_commands(block.partition("```")[0])
