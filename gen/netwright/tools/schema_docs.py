"""docs/topology.md, the reference of every key, from the schema: `python -m netwright.tools.schema_docs` writes it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from msgspec import Struct, field
from msgspec.structs import replace

from netwright.schema.topology_schema import TOPOLOGY_SCHEMA, read_schema
from netwright.schema.words import Schema, expected, join_choices, resolve, spell

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = DOCS / "topology.md"
EXAMPLES = DOCS / "topology-examples.yaml"

INTRODUCTION = """\
# The topology file

Every key of `topology.yaml`. The file is YAML 1.2: `no`, `1:30` and `52:54:00:12:34:56` are the texts they look like,
a key that stands twice is an error, and anchors, aliases, merge keys and tags are not allowed. It is UTF-8, 64 MiB at
most, nested 32 levels at most, and holds no character that people can't see.

`netwright schema` prints the schema behind this page as JSON, for editors and other programs; `netwright init` writes
it next to a starter topology. What is checked beyond the form is in [checks.md](checks.md).
"""


class Section(Struct, kw_only=True):
    """A mapping with keys of its own: its heading, its schema, and where it stands, as Markdown."""

    title: str
    schema: Schema
    places: list[str] = field(default_factory=list)

    @property
    def link(self) -> str:
        """The section as a Markdown link within the page."""
        return f"[{self.title}](#{self.title.replace(' ', '-')})"


class _Step(Struct, frozen=True, kw_only=True):
    """A step below a section (its link), such as `networks.NAME` of topology."""

    parent: str
    step: str

    def below(self, step: str) -> "_Step":
        return replace(self, step=self.step + step)


def find_sections(root: Schema) -> tuple[Section, ...]:
    """Every mapping with keys of its own, in the order in which a reader of the file meets them."""
    sections: dict[str, Section] = {}
    _visit(root, "topology", _Step(parent="", step=""), root, sections)
    return tuple(sections.values())


def _visit(schema: Schema, title: str, place: _Step, root: Schema, sections: dict[str, Section]) -> None:
    """Add the section of this schema at this place, and those of all below; a known one only gets another place."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        _visit(root["$defs"][name], name.replace("-", " "), place, root, sections)
    if "properties" in schema:
        known = title in sections
        section = sections.setdefault(title, Section(title=title, schema=schema))
        section.places.append(f"`{place.step}` of {place.parent}")
        if known:
            return
        for key, below in schema["properties"].items():
            _visit(below, key, _Step(parent=section.link, step=key), root, sections)
    if isinstance(schema.get("additionalProperties"), dict):
        _visit(schema["additionalProperties"], title, place.below(".NAME"), root, sections)
    if "items" in schema:
        _visit(schema["items"], title, place.below("[]"), root, sections)
    for branch in schema.get("anyOf", ()):
        _visit(branch, title, place, root, sections)


def render_reference(root: Schema, examples: dict[str, str]) -> str:
    """The page in Markdown: for each section its keys in a table, and an example."""
    sections = {id(section.schema): section for section in find_sections(root)}
    parts = [INTRODUCTION]
    for section in sections.values():
        parts += _render_section(section, root, sections)
        if section.title in examples:
            parts.append(f"```yaml\n{examples[section.title]}```\n")
    return "\n".join(parts)


def _render_section(section: Section, root: Schema, sections: dict[int, Section]) -> Iterator[str]:
    schema = section.schema
    yield f"## {section.title}\n"
    if "description" in schema:
        yield f"{schema['description']}\n"
    if section.title != "topology":
        yield f"Stands at {join_choices(section.places)}.\n"
    if "$ref" in schema:
        parent = sections[id(root["$defs"][schema["$ref"].rsplit("/", 1)[1]])]
        yield f"Besides these keys, everything in {parent.link}.\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    for key, below in schema["properties"].items():
        mark = " (required)" if key in schema.get("required", ()) else ""
        cells = (f"`{key}`{mark}", _value(below, root, sections), _default(below, root), _meaning(below, root))
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
    yield ""


def _value(schema: Schema, root: Schema, sections: dict[int, Section]) -> str:
    """Return what may stand there, with a link where it has a section of its own."""
    while "$ref" in schema and "properties" not in schema:
        target = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        beside = {key: value for key, value in schema.items() if key not in ("$ref", "unevaluatedProperties")}
        schema = target if id(target) in sections else target | beside
    if id(schema) in sections:
        return sections[id(schema)].link
    if isinstance(schema.get("additionalProperties"), dict):
        below = _value(schema["additionalProperties"], root, sections)
        return f"a mapping; each name: {expected(schema['propertyNames'], root)}; each value: {below}"
    if "items" in schema and _has_section(schema["items"], root, sections):
        return f"a list, each entry: {_value(schema['items'], root, sections)}"
    branches = schema.get("anyOf", ())
    if any(_has_section(branch, root, sections) for branch in branches):
        return " or ".join(_value(branch, root, sections) for branch in branches)
    return expected(schema, root)


def _has_section(schema: Schema, root: Schema, sections: dict[int, Section]) -> bool:
    return "](#" in _value(schema, root, sections)


def _default(schema: Schema, root: Schema) -> str:
    meaning = resolve(schema, root)
    told = [meaning[key] for key in ("default", "x-default") if key in meaning]
    return spell(told[0]) if told else "–"


def _meaning(schema: Schema, root: Schema) -> str:
    meaning = resolve(schema, root)
    examples = " or ".join(f"`{spell(example)}`" for example in meaning.get("examples", ()))
    return f"{meaning.get('description', '')}{f' For example {examples}.' if examples else ''}".strip()


def read_examples() -> dict[str, str]:
    """The example of each section by the section's title, as YAML."""
    examples = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
    return {str(title): str(example) for title, example in examples.items()}


def main() -> None:
    """Write docs/topology.md."""
    REFERENCE.write_text(render_reference(read_schema(TOPOLOGY_SCHEMA), read_examples()), encoding="utf-8")
    sys.stdout.write(f"{REFERENCE}\n")


if __name__ == "__main__":
    main()
