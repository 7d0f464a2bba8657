"""The page of a newcomer's first session is true, command by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.session_page import ROOT, Step, plain, session, steps_of, written

pytestmark = pytest.mark.full

PAGE = ROOT / "docs" / "service" / "first-session.md"


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_first_session_goes_as_its_page_says(tmp_path: Path) -> None:
    """Every command ends well against a real service and prints what the page shows, but for ids, times and figures."""
    with session(tmp_path) as own:
        for step in steps_of(PAGE.read_text(encoding="utf-8")):
            assert plain(own.run(step).output) == plain(step.output), step.command


def test_the_page_has_every_kind_of_command() -> None:
    """Data, search, model, keys and a question, each with its output."""
    steps = steps_of(PAGE.read_text(encoding="utf-8"))
    said = "\n".join(step.command for step in steps if step.output)

    for words in ("dataset push", "dataset report", "search estimate", "search run", "search watch", "model ls", "model promote"):
        assert f"ihas {words}" in said
    assert all(words in said for words in ("ihas model rollback", "ihas keys create", "ihas keys revoke", "/recommend"))


def test_a_page_is_taken_apart_and_put_together() -> None:
    """Commands with their output, and the page as it was."""
    page = "Text.\n\n```console\n$ one\na\nb\n$ two\n```\n\n```console\n$ three\nc\n```\n"

    assert steps_of(page) == [Step("one", "a\nb\n"), Step("two", ""), Step("three", "c\n")]
    assert written(page, steps_of(page)) == page


def test_words_count_and_figures_do_not() -> None:
    """Ids, times, numbers and widths may differ; a word may not, nor a part of a document."""
    assert plain("sr_0123456789abcdef01234567  done  12.5%\n────\n") == plain("sr_76543210fedcba9876543210 done 3%\n──\n")
    assert plain("done 1\n") != plain("failed 1\n")
    assert plain('{"score": 0.5, "items": ["a"]}') == plain('{"score": 0.25, "items": ["b", "c"]}')
    assert plain('{"score": 0.5}') != plain('{"logit": 0.5}')
