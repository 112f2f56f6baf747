"""Templates of the user's: what they may do, and what ends them."""

import pytest

from netwright.templating.render import Renderer, RenderError
from netwright.text.report import render_text
from netwright.text.source import Source

NAME = "common/netwright-nftables.service.j2"


def render(text: str, **values: object) -> str:
    renderer = Renderer([Source(name=f"mine/{NAME}", text=text)], "mine/")
    try:
        return renderer.render(NAME, **values)
    finally:
        renderer.close()


def failure(text: str) -> str:
    with pytest.raises(RenderError) as raised:
        render(text)
    return render_text(raised.value.report)


def test_a_template_renders_the_values_it_is_given() -> None:
    text = render("{% for n in names %}{{ n }}\n{% endfor %}{{ ports | nft_set }}\n", names=["a", "b"], ports=((1, 2),))

    assert text == "a\nb\n1-2\n"


def test_a_template_may_include_a_built_in_one() -> None:
    text = render('{% include "common/header.j2" %}\nx\n')

    assert text == "# Written by netwright; edit the topology instead.\nx\n"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        pytest.param("a\n{{ missing }}\n", "'missing' is undefined", id="undefined-value"),
        pytest.param("a\n{{ ''.__class__.__mro__ }}\n", "unsafe", id="attribute-of-a-class"),
        pytest.param("a\n{{ [].append(1) }}\n", "unsafe", id="change-of-a-value"),
        pytest.param("a\n{{ lipsum() }}\n", "'lipsum' is undefined", id="jinja-global"),
        pytest.param("a\n{{ cycler('a') }}\n", "'cycler' is undefined", id="jinja-cycler"),
        pytest.param("a\n{% for n in range(10000000) %}{% endfor %}\n", "range is longer", id="long-range"),
        pytest.param("a\n{{ [1, 2] | random }}\n", "No filter named 'random'", id="random"),
        pytest.param("a\n{% include '/etc/passwd' %}\n", "/etc/passwd", id="file-outside"),
        pytest.param("a\n{% if %}\n", "Expected an expression", id="syntax"),
        pytest.param("a\n{{ 1 / 0 }}\n", "division by zero", id="arithmetic"),
    ],
)
def test_a_failing_template_is_reported_with_file_and_line(template: str, reason: str) -> None:
    text = failure(template)

    assert text.startswith(f"mine/{NAME}:2:1: error: the template {NAME} fails: ")
    assert reason in text


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ 'a'.upper }}", "<built-in method upper"),
        ("{{ [1] | map('string') }}", "<generator object"),
        ("{{ [1, 2] | batch(1) }}", "<generator object"),
        ("{{ range }}", "<function"),
        ("{{ joiner() }}", "<jinja2.utils.Joiner object"),
        ("{{ '%s' | format('a'.upper) }}", "<built-in method upper"),
    ],
)
def test_what_differs_from_run_to_run_is_refused(template: str, shown: str) -> None:
    text = failure(template)

    assert f"prints {shown}" in text
    assert "which no two runs have alike" in text


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", id="endless-loop"
        ),
        pytest.param("{% set x = 'a' * 4000000000 %}{{ x }}", id="memory"),
        pytest.param("{{ 'a' * 20000000 }}", id="long-text"),
        pytest.param("{{ 10 ** (10 ** 9) }}", id="huge-number"),
    ],
)
def test_a_greedy_template_is_ended(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.templating.sandbox.SECONDS", 1.0)

    text = failure(template)

    assert "takes longer than 1 seconds" in text or "needs too much memory" in text


def test_a_sandbox_renders_again_after_a_template_was_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.templating.sandbox.SECONDS", 1.0)
    template = "{% for a in range(count) %}{% for b in range(count) %}{% endfor %}{% endfor %}done"
    renderer = Renderer([Source(name=NAME, text=template)])
    with pytest.raises(RenderError):
        renderer.render(NAME, count=99999)

    text = renderer.render(NAME, count=1)

    renderer.close()
    assert text == "done"


def test_an_overridden_template_counts_where_a_built_in_one_includes_it() -> None:
    renderer = Renderer([Source(name="mine/common/header.j2", text="# Ours.\n")], "mine/")

    text = renderer.render("common/sysctl.conf.j2", sysctls=())

    renderer.close()
    assert text == "# Ours.\n"


def test_all_files_together_have_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.templating.sandbox.TOTAL_SECONDS", 0.02)
    monkeypatch.setattr("netwright.templating.sandbox.FILE_SECONDS", 0.0)
    slow = "{% for a in range(300) %}{% for b in range(300) %}{% endfor %}{% endfor %}done"
    renderer = Renderer([Source(name=f"mine/{NAME}", text=slow)], "mine/")

    with pytest.raises(RenderError) as raised:
        [renderer.render(NAME) for _ in range(1000)]
    renderer.close()

    assert "takes longer than 0.02 seconds in " in render_text(raised.value.report)


def test_many_quick_files_have_more_time_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.templating.sandbox.TOTAL_SECONDS", 0.0)
    monkeypatch.setattr("netwright.templating.sandbox.FILE_SECONDS", 1.0)
    renderer = Renderer([Source(name=f"mine/{NAME}", text="x")], "mine/")

    assert {renderer.render(NAME) for _ in range(20)} == {"x"}
    renderer.close()
