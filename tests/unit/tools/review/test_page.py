"""A page says everything in its place, shows text as text, and never grows beyond what a comment takes."""

import re
from typing import Any

import pytest

from tests.unit.tools.review.plans import maps, plan, said, step
from tools.review import markdown
from tools.review.changes import phrase
from tools.review.content import arranged, headline
from tools.review.preview import Preview

EVIL = "<!-- x --> @team `a` | **b** [l](http://e) </details>\n# head"


def page(preview: Preview) -> str:
    return markdown.page(arranged(preview))


def test_first_line_is_the_hidden_mark_of_the_stack_and_the_plan_can_be_read_back() -> None:
    preview = plan(step("LiveSync", "update", old=maps(a="running"), new=maps(a="paused")))
    text = page(preview)
    assert text.splitlines()[0] == "<!-- dual-write-page uat -->" == markdown.marker("uat")
    found = markdown.plan_of(text)
    assert found == (arranged(preview).digest, arranged(preview).parts)
    assert markdown.plan_of("a comment of somebody's") is None


def test_names_are_text_whatever_stands_in_them() -> None:
    name = f"accounts {EVIL}"
    text = page(plan(step("LiveSync", "update", old=maps(**{name: "running"}), new=maps(**{name: "paused"}))))
    body = re.sub(r"^<!-- dual-write-.*?-->$", "", text, flags=re.MULTILINE)
    assert "<!--" not in body
    assert "@team" not in body
    assert "</details>" not in body
    assert "\n# head" not in body
    assert "\\`a\\` \\| \\*\\*b\\*\\* \\[l\\](http://e)" in body


@pytest.mark.parametrize("name", ["a-->b", "--!>", "\u2028x"])
def test_hidden_plan_cannot_be_ended_by_a_name(name: str) -> None:
    preview = plan(step("Company", "create", new={"code": "X"}, name=name))
    hidden = page(preview).splitlines()[-1]
    assert hidden.count("-->") == 1
    assert hidden.endswith("-->")
    found = markdown.plan_of(page(preview))
    assert found is not None
    assert found[1] == arranged(preview).parts


@pytest.mark.parametrize("count", [300, 5_000])
def test_page_of_any_stack_fits_into_a_comment(count: int) -> None:
    names = {f"map {number} {'long ' * 40}": "running" for number in range(count)}
    steps = [
        step("Company", "create", new={"code": f"C{number}", "name": EVIL * 9}, name=f"c{number}")
        for number in range(count)
    ]
    text = page(plan(step("LiveSync", "create", new=maps(**names)), *steps))
    assert len(text) <= 60_000
    assert "more" in text
    assert (
        f"Digest of this plan: `{arranged(plan(step('LiveSync', 'create', new=maps(**names)), *steps)).digest}`" in text
    )


def test_replaced_environment_comes_first_with_its_consent() -> None:
    consent = {"action": "replace-environment", "target": "uat", "until": "2999-12-31"}
    old = {"domain": "uat", "instance": "new"}
    cds = step(
        "CdsInstance",
        "replace",
        old=old,
        new={**old, "domain": "two", "confirm": [consent]},
        outputs={"created_by_us": True},
    )
    text = page(plan(step("Company", "create", new={"code": "USMF"}), cds))
    first = text[text.index("**Cannot be undone**") :].splitlines()[2]
    assert "uat is deleted with all its data" in first
    assert "Consent used: replace-environment for uat until 2999-12-31." in first


def test_existing_environment_that_is_replaced_is_left_as_it_is() -> None:
    old = {"url": "https://a.crm4.dynamics.com", "instance": "existing"}
    cds = step("CdsInstance", "delete", old=old, outputs={"created_by_us": False})
    text = page(plan(cds))
    assert "Nothing here." in text
    assert "left as it is" in text


@pytest.mark.parametrize(("drifted", "thrown"), [({}, True), ({"a": "running"}, False)])
def test_queue_is_thrown_away_only_where_the_file_had_the_map_paused(drifted: dict[str, str], thrown: bool) -> None:
    old = {**maps(a="paused"), "drifted": drifted}
    text = page(plan(step("LiveSync", "update", old=old, new={**maps(a="running"), "catch_up": {"a": "discard"}})))
    assert ("the changes in its queue are thrown away" in text) is thrown
    assert "drifted" not in text


PAUSED = {f"map {number:02}": "paused" for number in range(12)}
PIN = {"map": "map 99", "version": "1.0.0.3", "author": "Contoso"}


def pauses_and_a_pin(versions: dict[str, str] | None) -> Preview:
    """Twelve maps are paused, and one gets its first pin; `versions`: what LiveSync has recorded."""
    running = {**dict.fromkeys(PAUSED, "running"), "map 50": "running", "map 99": "running"}
    return plan(
        step("EntityMap", "create", new={**PIN, "latest": True, "offered": "1.0.0.3"}),
        step(
            "LiveSync",
            "update",
            old=maps(**running),
            new={**maps(**{**running, **PAUSED}), "pinned": {"map 99": True}},
            outputs={"versions": versions} if versions else {},
        ),
    )


def test_pauses_and_a_version_switch_show_those_maps_with_both_numbers_and_nothing_else() -> None:
    preview = pauses_and_a_pin({"map 99": "1.0.0.0 (Microsoft)", "map 50": "2.0.0.0 (Microsoft)"})
    text = page(preview)
    assert headline(preview) == "pauses 12 maps, sets the version of 1 map"
    assert "Map map 99: version from 1.0.0.0 (Microsoft) to 1.0.0.3 (Contoso)" in text.replace("\\", "")
    assert set(re.findall(r"map \d\d", text)) == {*PAUSED, "map 99"}
    assert "pinned" not in text.partition("<!-- dual-write-plan")[0]
    assert "offered" not in text


def test_first_pin_of_a_map_whose_version_was_never_recorded_shows_the_new_number_alone() -> None:
    assert "Map map 99: version 1.0.0.3 (Contoso)\n" in page(pauses_and_a_pin(None)).replace("\\", "")
    same = page(pauses_and_a_pin({"map 99": "1.0.0.3 (Contoso)"})).replace("\\", "")
    assert "Map map 99: version 1.0.0.3 (Contoso), which it has" in same


def test_recorded_pin_is_no_line_of_its_own() -> None:
    pinned = step("LiveSync", "update", old=maps(a="running"), new={**maps(a="running"), "pinned": {"map 99": True}})
    text = page(plan(step("EntityMap", "create", new=PIN), pinned))
    assert "Maps" not in text.partition("**What changes**")[2].partition("**Afterwards**")[0]
    assert "Unchanged: 2 other resources." in text


def test_problems_of_a_stack_file_are_counted_each_and_the_engines_own_line_is_none() -> None:
    engines = said("an unhandled error occurred: program exited with non-zero exit code: 1", severity="error")
    file = said("DW-C05 stacks/Pulumi.uat.yaml has 2 problems:\n  cds.a: is b\n  cds.c: is d", severity="error")
    text = page(plan(diagnostics=[file, engines]))
    assert "is refused: 2 problems to mend first" in text
    assert "- DW-C05 cds.a: is b\n- DW-C05 cds.c: is d\n" in text
    assert "unhandled" not in text
    assert "- an unhandled error occurred" in page(plan(diagnostics=[engines]))


@pytest.mark.parametrize(
    "last", ["Resource monitor has terminated, shutting down", "preview canceled", "preview failed"]
)
def test_what_the_engine_says_of_its_end_is_no_problem_beside_a_refusal(last: str) -> None:
    refused = (
        "error: X resource 'x': property location value {eu-west} has a problem: DW-C04 is no location of this tenant"
    )
    end = said(f"error: {last}\n", severity="error")
    text = page(plan(diagnostics=[said(refused, severity="error"), end]))
    assert "is refused: 1 problem to mend first" in text
    assert "DW-C04 location: is no location of this tenant" in text
    assert last not in text
    assert last in page(plan(diagnostics=[end]))


def test_refused_plan_shows_its_problems_and_no_digest() -> None:
    text = page(
        plan(step("Company", "create", new={"code": "X"}), diagnostics=[said("DW-C01 wrong", severity="error")])
    )
    assert "is refused: 1 problem" in text
    assert "DW-C01 wrong" in text
    assert "Digest" not in text
    assert "Company X" not in text


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "nothing to do"),
        (
            [step("LiveSync", "update", old=maps(a="running", b="paused"), new=maps(a="paused", b="stopped"))],
            "stops 1 map, pauses 1 map",
        ),
        ([step("LiveSync", "update", old=maps(a="running"), new=maps())], "lets go of 1 map"),
        (
            [step("LiveSync", "update", old=maps(a="running"), new=maps(), outputs={"started": ["a"]})],
            "stops 1 map",
        ),
        (
            [
                step(
                    "LiveSync",
                    "update",
                    old=maps(a="running"),
                    new=maps(),
                    outputs={"started": ["a"], "maps": {"a": "paused"}},
                )
            ],
            "lets go of 1 map",
        ),
        ([step("Company", "create", new={"code": "USMF"})], "creates Company USMF"),
        ([step("Company", "delete", old={"code": "USMF"})], "Company USMF given up"),
        (
            [
                step(
                    "DualWriteConnection", "update", old={"companies": ["DAT", "X"]}, new={"companies": ["DAT", "USMF"]}
                )
            ],
            "adds company USMF; removes company X",
        ),
        (
            [step("EntityMap", "update", old={"map": "a", "version": "1"}, new={"map": "a", "version": "2"})],
            "sets the version of 1 map",
        ),
    ],
)
def test_headline_says_the_change_in_one_sentence(steps: list[dict[str, Any]], words: str) -> None:
    assert headline(plan(*steps)) == words


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (None, "x", "word x"),
        ("x", None, "word x no more"),
        (True, False, "word from yes to no"),
        (1.0, 2.0, "word from 1 to 2"),
        (["a", "b"], ["b", "c"], "word: adds c; removes a"),
        (["a", "b"], ["b", "a"], "word: another order"),
        ({"k": ["a"]}, {"k": ["a", "b"], "n": "x"}, "word: n = x, k from a to a + b"),
        ({"k": "a"}, None, "word: k no more"),
        ("finops", {"k": "cds"}, "word from finops to cds"),
    ],
)
def test_change_of_an_input_reads_as_what_comes_and_goes(old: Any, new: Any, text: str) -> None:
    assert phrase("word", old, new) == text


@pytest.mark.parametrize(
    ("new", "started", "stops"),
    [(maps(a="stopped"), ["a"], True), (maps(), ["a"], True), (maps(), [], False), (maps(a="paused"), ["a"], False)],
)
def test_a_stop_of_running_maps_says_what_it_means_for_rows(
    new: dict[str, Any], started: list[str], stops: bool
) -> None:
    text = page(plan(step("LiveSync", "update", old=maps(a="running"), new=new, outputs={"started": started})))
    assert ("Rows that change while a map is stopped are not brought over later." in text) is stops
    assert ("stopped, no more declared" in text) is (stops and not new["maps"])
