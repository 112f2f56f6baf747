"""The notes of a release: `python -m netwright.tools.release_notes VERSION` prints them, from CHANGELOG.md."""

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[3] / "CHANGELOG.md"
_SECTION = re.compile(r"^## \[([^\]]+)\][^\n]*\n(.*?)(?=^## \[|\Z)", re.MULTILINE | re.DOTALL)


def release_notes(changelog: str, version: str) -> str:
    """The entries of a version, those of Unreleased first, as they are part of what is built.

    Links into the repository are left as they are. Raises ValueError if there are no entries.
    """
    sections = {name: body.strip() for name, body in _SECTION.findall(changelog)}
    if not sections.get(version):
        raise ValueError(f"CHANGELOG.md has no entries under [{version}]")
    unreleased = sections.get("Unreleased", "")
    return f"# netwright {version}\n\n" + "\n\n".join(filter(None, (unreleased, sections[version]))) + "\n"


def main() -> None:
    """Print the notes."""
    try:
        sys.stdout.write(release_notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1]))
    except ValueError as error:
        sys.exit(f"netwright.tools.release_notes: {error}")


if __name__ == "__main__":
    main()
