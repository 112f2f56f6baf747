"""Reports: what is said once, and in which order."""

from netwright.text.report import Diagnostic, Report, Severity, printable, render_text
from netwright.text.source import Source, TopologyPath

TEXT = "a: 1\nb: 2\n"


def source(text: str | None = TEXT) -> Source:
    return Source(name="topology.yaml", text=text)


def finding(*path: str) -> Diagnostic:
    at: TopologyPath = path
    return Diagnostic(severity=Severity.ERROR, path=at, message="is wrong; say 3", rule="rule")


def titles(report: Report) -> list[str]:
    return [one.title for one in report.findings()]


def test_a_finding_about_a_source_that_was_read_twice_is_said_once() -> None:
    report = Report.about(source(), [finding("a")]) + Report.about(source(), [finding("a"), finding("b")])

    assert titles(report) == [
        "topology.yaml:1:4: error: a: is wrong; say 3",
        "topology.yaml:2:4: error: b: is wrong; say 3",
    ]


def test_the_same_finding_about_another_text_of_that_name_is_another_finding() -> None:
    moved = source("# a comment\n" + TEXT)

    report = Report.about(source(), [finding("a")]) + Report.about(moved, [finding("a")])

    assert titles(report) == [
        "topology.yaml:1:4: error: a: is wrong; say 3",
        "topology.yaml:2:4: error: a: is wrong; say 3",
    ]


def test_a_source_without_text_is_not_one_with_an_empty_text() -> None:
    report = Report.about(source(None), [finding()]) + Report.about(source(""), [finding()])

    assert titles(report) == ["topology.yaml: error: is wrong; say 3", "topology.yaml:1:1: error: is wrong; say 3"]


def test_findings_about_one_text_are_in_the_order_of_their_places_however_often_it_was_read() -> None:
    report = Report.about(source(), [finding("b")]) + Report.about(source(), [finding("a")])

    assert [one.position.line for one in report.findings() if one.position] == [1, 2]


def test_of_two_that_are_alike_the_first_keeps_its_place() -> None:
    other = Source(name="other.yaml", text=TEXT)

    report = Report.about(source(), [finding("a")]) + Report.about(other, [finding("a")])

    assert titles(report + Report.about(source(), [finding("a")])) == titles(report)


def test_nothing_in_a_report_acts_on_a_terminal() -> None:
    escape = Source(name="evil\x1b[2J.yaml", text="a: \u202e1\n")

    text = render_text(Report.about(escape, [finding("a")]))

    assert text.isascii()
    assert text.replace("\n", "").isprintable()


def test_the_severity_has_a_colour_and_a_name_like_it_has_none() -> None:
    named = Source(name="an error: b.yaml", text=TEXT)

    text = render_text(Report.about(named, [finding("a")]), colour=True)

    assert text.startswith("an error: b.yaml:1:4: \x1b[31merror:\x1b[0m a: is wrong")


def test_hashes_are_escaped_where_a_ci_service_would_read_a_command_only() -> None:
    assert printable("## Internet [by lan0]") == "## Internet [by lan0]"
    assert printable("a ##[error]b") == "a #\\x23[error]b"
    assert printable("###vso[task.setvariable]") == "#\\x23#vso[task.setvariable]"
