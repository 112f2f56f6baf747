"""docs/ as a site: a hook of mkdocs that takes the pages at the top of the project in, and makes all links fit."""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).parents[3]
AT_THE_TOP = {"README.md": "index.md"} | {name: name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")}
"""Pages outside docs/, and what the site calls them."""
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^():#\s]+)(#[^()\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the files of the site, those at the top of the project among them."""
    for name, called in AT_THE_TOP.items():
        files.append(File.generated(config, called, abs_src_path=str(PROJECT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Return a page whose links lead to pages of the site; other files of the project are named without a link."""
    source = page.file.src_uri
    names = {called: name for name, called in AT_THE_TOP.items()}
    folder = PurePosixPath(names.get(source, f"docs/{source}")).parent

    def fit(link: re.Match[str]) -> str:
        sign, text, target, anchor = link.groups()
        path = normpath(folder / target)
        called = AT_THE_TOP.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
        if called is None and (PROJECT / path).exists():
            return text
        return f"{sign}[{text}]({relpath(called or path, PurePosixPath(source).parent)}{anchor or ''})"

    return _LINK.sub(fit, markdown)
