"""The report is one file that needs nothing else, tells the truth and trusts no text from data."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from ihas.config.learning import LearningConfig
from ihas.config.search import SearchConfig
from ihas.results.calibration import FieldCalibration, ValueCalibration
from ihas.results.run_result import Interval, Refreshed
from ihas_pipelines.reports.report import render_report, write_report
from tests.ihas.results.test_frontier import point
from tests.pipelines.result_factory import VARIANTS, run_result

pytestmark = pytest.mark.full

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page() -> str:
    """Report of the believable run."""
    return render_report(run_result())


LIBRARY = r'<script type="text/plain" id="library">(.*?)</script>'


def _without_library(page: str) -> str:
    return re.sub(LIBRARY, "", page, flags=re.DOTALL)


def unpacked(page: str) -> str:
    """Plotly's script, which lies in the page packed."""
    found = re.search(LIBRARY, page, re.DOTALL)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1], validate=True)).decode()


def _figures(page: str) -> dict[str, dict[str, object]]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found.group(1)))


def test_written_whole_under_its_name(tmp_path: Path) -> None:
    """The file holds the rendered report and nothing unfinished lies beside it."""
    write_report(run_result(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_report(run_result())
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_loads_nothing_from_elsewhere(page: str) -> None:
    """No element names another file or address, so that the report works offline."""
    assert re.findall(r"""(?:src|href)\s*=|@import|url\(|https?://""", _without_library(page)) == []


def test_points_of_the_frontier_are_listed(page: str) -> None:
    """With costs and latencies, the chosen one marked; a result of an earlier version has no such table."""
    listed = render_report(run_result(chosen="base", frontier=(point("base"), point("members x2"))))

    assert "What else can be served without training" not in page
    assert "What else can be served without training" in listed
    assert re.search(r'<b>members x2</b></th>\s*<td data-label="Test AUC">0.9870</td>', listed)
    assert "500 candidates, p99" in listed


def test_fields_are_listed_with_their_farthest_value(page: str) -> None:
    """With its rate beside its score; NDCG stands beside AUC per user; a result of an earlier version has neither."""
    worst = ValueCalibration(value="<Rome>", rows=100, log_loss=0.6, score=0.5, click_rate=0.8, deviations=6.0)
    fields = (FieldCalibration(field="city", values=2, error=0.3, worst=(worst,)),)
    plain = run_result()
    assert plain.calibration is not None
    variants = tuple(
        one.model_copy(update={"test": one.test.model_copy(update={"user_auc": 0.6, "user_ndcg": 0.4321})}) for one in plain.variants
    )
    changes = {"calibration": plain.calibration.model_copy(update={"fields": fields}), "variants": variants}
    listed = render_report(plain.model_copy(update=changes))
    assert "Scores and rates by field" in listed
    assert '<td data-label="Farthest value">&lt;Rome&gt;</td>' in listed
    assert '<td data-label="NDCG@10 per user">0.4321</td>' in listed
    assert "Scores and rates by field" not in page
    assert "NDCG@10" not in page


def test_policy_names_exactly_the_scripts_it_holds(page: str) -> None:
    """The content security policy lists the hash of each script, allows no other and no connection."""
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    scripts = [*re.findall(r"<script>(.*?)</script>", page, re.DOTALL), unpacked(page)]
    hashes = {f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}" for script in scripts}
    assert len(scripts) == 2
    assert set(re.findall(r"'(sha256-[^']+)'", policy.group(1).replace("&#39;", "'"))) == hashes
    assert policy.group(1).startswith("default-src 'none'")
    assert "unsafe-eval" not in policy.group(1)


def test_text_from_data_is_escaped_everywhere() -> None:
    """A script in a field's name, in a value and in a variant's name stays text in the page and in the plots."""
    result = run_result(fields=(HOSTILE, "b", "c"), name="shop")
    hostile = VARIANTS[3].model_copy(update={"name": HOSTILE, "description": HOSTILE})
    page = render_report(result.model_copy(update={"variants": (*VARIANTS, hostile), "verdict": HOSTILE}))
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; = No Urgent Place" in page
    assert HOSTILE not in json.dumps(_figures(page))


def test_it_is_no_larger_than_a_mail_takes(page: str) -> None:
    """1.5 MB at most; a refresh, which draws nothing, holds no script for drawings."""
    did = Refreshed(
        model="members", new_values={}, silent_values={}, groups="kept", group_drift=0.0, retrieval="none",
        valid_gain=Interval(difference=0.0, low=-0.1, high=0.1), was=VARIANTS[0].test, epochs=1,
    )  # fmt: skip
    before, after = VARIANTS[0].model_copy(update={"name": "before"}), VARIANTS[2].model_copy(update={"name": "refreshed"})
    refreshed = render_report(run_result(variants=(before, after), chosen="refreshed", refresh=did))

    assert len(page.encode()) <= 1_500_000
    assert len(refreshed.encode()) <= 30_000


def test_what_is_weak_what_matters_and_what_is_next_is_told(page: str) -> None:
    """Groups that do badly by name, fields by what is kept of them, and commands at the end."""
    result = run_result()
    poor = result.groups[0].model_copy(
        update={
            "gain": Interval(difference=-0.02, low=-0.03, high=-0.01),
            "test": result.groups[0].test.model_copy(update={"calibration": 1.4}),
        }
    )
    weak = render_report(result.model_copy(update={"groups": (poor, *result.groups[1:])}))

    assert "Weak segments" not in render_report(result.model_copy(update={"groups": result.groups[:1]}))
    assert "it ranks worse than the plain model, and its scores are 1.40 times the click rate." in weak
    assert page.index("Fields that matter") < page.index("What next") < page.index("ihas model promote")


def test_every_place_for_a_figure_has_its_figure(page: str) -> None:
    """The page's places and the drawn plots are the same set, one heat-map per group."""
    assert set(re.findall(r'data-figure="([^"]+)"', page)) == set(_figures(page))
    assert {"gates-0", "gates-1", "gates-2"} < set(_figures(page))


def test_groups_that_gain_nothing_have_no_empty_plot() -> None:
    """Where the base serves every group, nobody is shown axes without a mark."""
    result = run_result()
    idle = result.model_copy(update={"groups": tuple(group.model_copy(update={"gain": None}) for group in result.groups)})
    assert 'data-figure="gains"' not in render_report(idle)


def test_top_of_the_page_answers_what_was_found(page: str) -> None:
    """Verdict, chosen variant, AUC with interval against the base and both parameter counts stand before the first table."""
    top = re.sub(r"\s+", " ", page[page.index("<body>") : page.index("<table")])
    for text in (
        "Three groups with a mask each",
        "<b>grouped</b>",
        "0.7544",
        "base 0.7481",
        "+0.0063 [+0.0021, +0.0104]",
        "6,940",
        "-41 %",
    ):
        assert text in top


def test_losses_are_as_visible_as_wins(page: str) -> None:
    """A variant below the base carries the mark of a loss, one above the mark of a win, one that cannot be told neither."""
    assert '<span class="pill worse">-0.0131 [-0.0192, -0.0069]</span>' in page
    assert '<span class="pill better">+0.0041 [+0.0008, +0.0075]</span>' in page
    assert '<span class="pill unclear">-0.0012 [-0.0051, +0.0026]</span>' in page


def test_changed_settings_stand_out() -> None:
    """A setting that differs from its default is marked; the others are not."""
    page = render_report(run_result(learning=LearningConfig(search=SearchConfig(strength=0.5))))
    changed = re.findall(r'<tr class="changed"><th scope="row">([\w.]+)', page)
    assert changed == ["search.strength"]


def test_group_without_clicks_is_told(page: str) -> None:
    """A group whose test rows have one label shows words instead of an AUC and a calibration."""
    result = run_result(1)
    figures = result.groups[0].test.model_copy(update={"auc": None, "calibration": None})
    silent = render_report(result.model_copy(update={"groups": (result.groups[0].model_copy(update={"test": figures}),)}))
    assert "no AUC: its test rows have not both labels" in silent
    assert "no clicks among its test rows" in silent
    assert "no AUC" not in page


def test_a_refresh_has_a_page_of_its_own() -> None:
    """Both models on the same rows, what grew field by field, and which of the two serves; hostile names are escaped."""
    before, after = VARIANTS[0].model_copy(update={"name": "before"}), VARIANTS[2].model_copy(update={"name": "refreshed"})
    did = Refreshed(
        model="members", new_values={"coupon": 12, HOSTILE: 1}, silent_values={"age": 3}, groups="kept", group_drift=0.0312,
        retrieval="none", valid_gain=Interval(difference=0.01, low=0.005, high=0.015), was=before.test, epochs=2,
    )  # fmt: skip
    result = run_result(fields=("coupon", "age", HOSTILE), variants=(before, after), chosen="refreshed", refresh=did)
    page, kept = render_report(result), render_report(result.model_copy(update={"chosen": "before"}))

    assert "The refreshed model serves" in page
    assert "The model as it was goes on serving" in kept
    assert "group drift 0.031" in page
    assert '<td data-label="New values">12</td>' in page
    assert HOSTILE not in page


def test_a_label_that_is_a_number_is_called_so() -> None:
    """Means and errors stand where rates of clicks do; nothing says click but the settings."""
    metrics = {"rmse": 0.8, "mae": 0.6, "r2": 0.31}
    variants = tuple(one.model_copy(update={"test": one.test.model_copy(update=metrics)}) for one in VARIANTS)
    page = render_report(run_result(variants=variants, label_range=(1.0, 5.0)))

    assert "concordance index" in page
    assert "a number from 1 to 5" in page
    assert "mean absolute error 0.6" in page
    assert "<dt>Mean label</dt><dd>3.440</dd>" in page
    own = page[: page.index("Settings")]
    assert re.findall(r"rate of clicks|click rate|is ranked above a non-click|ranks clicks", own, re.IGNORECASE) == []


def test_clicks_have_no_tile_of_errors(page: str) -> None:
    """RMSE is of numbers alone."""
    assert "RMSE" not in page
    assert "<dt>Click rate</dt>" in page
