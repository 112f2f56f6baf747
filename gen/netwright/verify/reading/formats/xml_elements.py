"""XML as a tree of elements, with the line of each; nothing in a text makes it larger than it is."""

from xml.parsers import expat

from msgspec import Struct, field

from netwright.verify.reading.formats.iproute import Misread
from netwright.verify.values.facts import Origin

_DEEPEST_NESTING = 16
_CUT_SHORT = frozenset({3, 5, 6})
"""Expat's codes for a text that breaks off: before its last element, within a token, within a character."""


class Element(Struct, kw_only=True):
    """An element with its attributes, its own text, and the elements in it."""

    tag: str
    attributes: dict[str, str]
    origin: Origin
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def __str__(self) -> str:
        words = (f'{key}="{value}"' for key, value in self.attributes.items())
        return f"<{' '.join([self.tag, *words])}>"


class UnreadXml(Exception):  # noqa: N818 (a fact about the file)
    """A text that is no XML, or has what no file of the kind has: the reason, and the line."""

    def __init__(self, reason: str, origin: Origin) -> None:
        """Take why, and where."""
        super().__init__(reason)
        self.origin = origin


def read_elements(file: str, text: str) -> Element:
    """The root of the text; UnreadXml if it is no XML, declares a document type, or is nested deeply."""
    root = Element(tag="", attributes={}, origin=Origin(file=file, line=1))
    path = [root]
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(path) > _DEEPEST_NESTING:
            raise Misread(reason=f"nested deeper than {_DEEPEST_NESTING} elements")
        element = Element(tag=tag, attributes=attributes, origin=Origin(file=file, line=parser.CurrentLineNumber))
        path[-1].children.append(element)
        path.append(element)

    def add_text(content: str) -> None:
        path[-1].text += content

    def refuse(*_: object) -> None:
        raise Misread(reason="a document type, which such a file has none of")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = add_text
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise UnreadXml(_explain(error), Origin(file=file, line=error.lineno)) from None
    except Misread as misread:
        raise UnreadXml(misread.reason, Origin(file=file, line=parser.CurrentLineNumber)) from None
    return root.children[0]


def _explain(error: expat.ExpatError) -> str:
    if error.code in _CUT_SHORT:
        return "the file ends before its XML does"
    return f"not XML ({expat.ErrorString(error.code)})"
