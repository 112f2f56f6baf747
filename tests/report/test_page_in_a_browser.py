"""The page of `netwright report` in Chromium, as a person has it: by mouse, by keys, at night, on paper, read aloud."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from msgspec import Struct
from msgspec.structs import fields, replace
from playwright.sync_api import Browser, Page, sync_playwright

from netwright.commands.verify_work import Work
from netwright.matrix.matrix import measure
from netwright.production.production import prepare
from netwright.report.both import ShownPair, pair_ways
from netwright.report.contents import Contents, gather
from netwright.report.page import render_page
from netwright.verify import Traffic
from netwright.verify_input.parties import group_parties
from netwright.verify_input.wiring import state_flows
from tests.netwright import PROJECT, netwright

CHROMIUM = "/usr/bin/chromium"
EVIL = "\"'></b></script><script>alert(1)</script><img src=x onerror=alert(2)>"
RED = "rgb(179, 38, 30)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests. Root has no sandbox of Chromium's."""
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"needs {CHROMIUM} (Debian's package chromium)")
    with sync_playwright() as programs:
        browser = programs.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the reference network."""
    path = tmp_path_factory.mktemp("reference") / "page.html"
    assert netwright("report", "-q", "-o", str(path), cwd=PROJECT).status == 0
    return path


@contextmanager
def opened(browser: Browser, path: Path, target: str = "", **options: Any) -> Iterator[Page]:
    """The page in a window of its own; it must load nothing, and complain of nothing."""
    context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: heard.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: heard.append(request.url) if request.resource_type != "document" else None)
    page.goto(f"file://{path}{target}")
    yield page
    assert heard == []
    context.close()


def shown_flows(page: Page) -> list[str]:
    return [flow.locator("h3").inner_text() for flow in page.locator("article.flow").all() if flow.is_visible()]


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 800}}],
    ids=["light", "dark", "narrow"],
)
def test_nothing_keeps_anybody_from_reading_it(browser: Browser, lab: Path, options: dict[str, Any]) -> None:
    with opened(browser, lab / "page.html", **options) as page:
        for details in page.locator("details").all():
            details.locator("summary").click()

        found = Axe().run(page)

        assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


def test_the_reference_network_can_be_read_by_all(browser: Browser, reference: Path) -> None:
    with opened(browser, reference) as page:
        found = Axe().run(page)

        assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []


def test_the_worst_flow_is_open_and_another_is_chosen_by_keys(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html") as page:
        assert shown_flows(page) == ["lb-to-db"]
        page.locator(".flow-list a", has_text="pc-to-lb").focus()
        page.keyboard.press("Enter")

        assert shown_flows(page) == ["pc-to-lb"]
        assert page.locator(".flow-list a[aria-current]").inner_text().startswith("pc-to-lb")
        assert page.evaluate("document.activeElement.id") == "flow-2"
        assert [way.get_attribute("id") for way in page.locator(".way").all() if way.is_visible()] == ["way-2"]
        page.go_back()
        assert shown_flows(page) == ["lb-to-db"]


def test_an_address_leads_to_a_flow(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html", "#flow-3") as page:
        assert shown_flows(page) == ["not-back"]


def test_both_states_of_the_chosen_flow_stand_side_by_side(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html", "#flow-1") as page:
        sides = page.locator("#flow-1 .side").all()
        before, now = (side.bounding_box() for side in sides)
        assert before is not None
        assert now is not None

        assert before["y"] == now["y"]
        assert before["x"] + before["width"] <= now["x"]
        assert sides[0].locator(".ending").evaluate("one => getComputedStyle(one).color") != RED
        assert sides[1].locator(".ending").evaluate("one => getComputedStyle(one).color") == RED
        assert page.locator(".flow-list .changed").all_inner_texts() == ["breaks"]
        assert page.locator("#flow-1 .differs .only").first.inner_text() == "only before"


def test_a_finding_leads_to_its_flow(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html", "#flow-3") as page:
        page.locator("#findings a", has_text="lb-to-db").first.click()

        assert shown_flows(page) == ["lb-to-db"]


def test_what_is_refused_as_it_is_to_be_is_not_red(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html", "#flow-3") as page:
        colours = page.evaluate(
            """[...document.querySelectorAll('#flow-3, #flow-3 *, #way-3 *, .flow-list .refused *, .cell-refused')]
            .flatMap(one => [one, '::before'].map(part => {
                const style = part === one ? getComputedStyle(one) : getComputedStyle(one, part);
                return [style.color, style.backgroundColor, style.fill, style.stroke];
            })).flat()"""
        )
        failing = page.locator("#flow-1 .fails > .ending").first.evaluate("one => getComputedStyle(one).color")

        assert failing == RED
        assert len(colours) > 100
        assert RED not in colours


def test_the_picture_grows_and_shrinks_and_fits(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html") as page:

        def width() -> float:
            box = page.locator(".canvas svg").bounding_box()
            assert box is not None
            return box["width"]

        fitting = width()
        page.get_by_role("button", name="Make the picture larger").click()
        larger = width()
        page.locator(".canvas").focus()
        page.keyboard.press("-")
        page.keyboard.press("-")
        smaller = width()
        page.get_by_role("button", name="Fit").click()

        assert larger == pytest.approx(fitting * 1.25, abs=2)
        assert smaller == pytest.approx(fitting / 1.25, abs=2)
        assert width() == pytest.approx(fitting, abs=2)


def test_cells_tell_more_when_they_are_gone_to_by_keys(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html") as page:
        page.locator("table[data-table='0'] td[tabindex='0']").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")

        told = page.locator(".cell-about").inner_text()
        assert told.startswith("back to front: 2 of 3 class pairs\nFILTERED at kvm: ")
        assert page.locator("th.lit").all_inner_texts() == ["front", "back"]


def test_cells_that_have_a_sign_alone_are_read_in_words(browser: Browser, reference: Path) -> None:
    with opened(browser, reference) as page:
        labels = page.evaluate(
            """[...document.querySelectorAll('.glyphs tbody td')].map(cell => [cell.innerText, cell.ariaLabel])"""
        )

        assert len(labels) > 400
        assert {(sign.strip(), words) for sign, words in labels} == {
            ("", "all pairs get an answer"),
            ("–", "none: a rule or a route refuses them"),
            ("·", "nothing to judge"),
        }


def test_on_paper_all_flows_stand_dark_on_white(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html", color_scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")

        assert shown_flows(page) == ["lb-to-db", "pc-to-lb", "not-back"]
        assert page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.locator("nav").is_visible()


def test_without_scripts_all_flows_stand(browser: Browser, lab: Path) -> None:
    with opened(browser, lab / "page.html", java_script_enabled=False) as page:
        assert shown_flows(page) == ["lb-to-db", "pc-to-lb", "not-back"]
        assert not page.locator(".tools").is_visible()
        assert page.locator(".canvas svg").is_visible()


def test_text_of_others_is_text(browser: Browser, lab: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.html"
    path.write_text(render_page(_made_evil(_contents(lab))), encoding="utf-8")

    with opened(browser, path) as page:
        page.locator("table[data-table='0'] td[tabindex='0']").focus()
        page.keyboard.press("ArrowDown")

        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 2
        assert page.locator("h1").inner_text() == f"lab{EVIL}"
        assert EVIL in page.locator(".place .text").first.inner_text()
        assert EVIL in page.locator(".cell-about").inner_text()


def _contents(lab: Path) -> Contents:
    """The contents of the lab's page."""
    topology = str(lab / "topology.yaml")
    production, _ = prepare(topology)
    assert production is not None
    with closing(production):
        flows = state_flows(production.resolved)
        work = Work(production=production, topology=topology, out=str(lab / "out"), flows=flows, quiet=True)
        forms = work.read()
        pairs: dict[str, tuple[ShownPair, ...]] = {}
        work = replace(work, behold=lambda compared: pairs.update(pair_ways(compared, work.out)))
        judgement = work.add_drift(work.judge_forms(forms, f"{lab}/before/", None, repair=True))
        matrix = measure(forms[0], group_parties(production.resolved), Traffic(protocol="icmp"))
        return gather(production, judgement, forms[0], (("Groups", matrix),), "note", pairs=pairs)


def _made_evil(value: Any) -> Any:
    """The value with an attack at the end of each text but the picture, whose own tests it has."""
    if type(value) is str:
        return value + EVIL
    if isinstance(value, Struct):
        names = [field.name for field in fields(value) if field.name != "picture"]
        return replace(value, **{name: _made_evil(getattr(value, name)) for name in names})
    if isinstance(value, dict):
        return {name: _made_evil(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_made_evil(one) for one in value)
    return value
