"""The application as a whole: what it imports, and how it describes itself."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from ihas.config.data import DataConfig
from ihas.data.findings import FieldProfile, ValidationReport
from ihas.results.run_result import RunResult
from ihas_service.app import create_app
from ihas_service.cli.demo import coupon_recipe
from ihas_service.http.examples import searches
from ihas_service.http.problems import Problem
from ihas_service.http.routes import derived, estimates, frontier, refreshes, search_views, what_if
from ihas_service.http.routes.scoring import STRUCTURES, decode
from ihas_service.http.schemas import batches as batches
from ihas_service.http.schemas import caller as caller
from ihas_service.http.schemas import dataset_versions as dataset_versions
from ihas_service.http.schemas import event_rows as event_rows
from ihas_service.http.schemas import events as events
from ihas_service.http.schemas import inference as inference
from ihas_service.http.schemas import items as items
from ihas_service.http.schemas import keys as keys
from ihas_service.http.schemas import notes as notes
from ihas_service.http.schemas import off_policy as off_policy
from ihas_service.http.schemas import promotion as promotion
from ihas_service.http.schemas import releases as releases
from ihas_service.http.schemas import schedules as schedules
from ihas_service.http.schemas import searches as schemas
from ihas_service.http.schemas import sign_in as sign_in
from ihas_service.http.schemas import trials as trials
from ihas_service.http.schemas import usage as usage
from ihas_service.http.schemas import users as users
from ihas_service.http.schemas.searches import DatasetCreate, EventPublic
from ihas_service.models import comparison
from ihas_service.settings import Settings
from ihas_service.storage.promotion_settings import PromotionSettings
from ihas_service.storage.traffic import TrafficPlan

pytestmark = pytest.mark.full

WIRE = (
    batches, caller, comparison, dataset_versions, derived, estimates, event_rows, events, frontier, inference, items, keys, notes,
    off_policy, promotion, refreshes, releases, schedules, schemas, search_views, sign_in, trials, usage, users, what_if,
)  # fmt: skip
STRUCTURED = {kind.__name__: kind for kind in STRUCTURES}
OTHERS: tuple[type[BaseModel], ...] = (FieldProfile, ValidationReport, RunResult, Problem, PromotionSettings, TrafficPlan)
MODELS: dict[str, type[BaseModel]] = {
    kind.__name__: kind
    for kind in (*OTHERS, *(one for module in WIRE for one in vars(module).values() if isinstance(one, type)))
    if issubclass(kind, BaseModel)
}
HEAVY = ("tensorflow", "keras", "pyarrow", "sklearn", "scipy", "plotly", "pandas", "onnx")


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The OpenAPI document."""
    app = create_app(Settings(folder=tmp_path_factory.mktemp("app")))
    app.state.parts.store.close()
    return app.openapi()


def test_the_api_process_imports_nothing_heavy(tmp_path: Path) -> None:
    """Neither TensorFlow nor what only reading, training or drawing needs."""
    lines = (
        "import sys, json, pathlib",
        "import ihas_service.api, ihas_service.client.client, ihas_service.server",
        "from ihas_service.app import create_app; from ihas_service.settings import Settings",
        f"create_app(Settings(folder=pathlib.Path({str(tmp_path)!r})))",
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))",
    )
    answer = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)

    assert json.loads(answer.stdout) == []


def test_every_route_is_described(description: dict[str, Any]) -> None:
    """Each operation has a sentence, an answer and the problem document."""
    operations = [operation for path in description["paths"].values() for operation in path.values()]

    assert len(operations) == 104
    for operation in operations:
        assert operation["description"]
        form = "application/json" if "open inference protocol" in operation["tags"] else "application/problem+json"
        assert form in operation["responses"]["default"]["content"]
        assert "422" not in operation["responses"]


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    """Also those of the bodies that msgspec reads."""
    text = json.dumps(description)
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}

    assert names <= set(description["components"]["schemas"])
    assert {"Problem", "ScoreRequest", "RecommendRequest", "RecommendResponse", "RunResult"} <= names


def test_a_result_is_described_by_kind(description: dict[str, Any]) -> None:
    """What a search found is one of three documents, each of which is described."""
    answer = description["paths"]["/v1/searches/{search_id}/result"]["get"]["responses"]["200"]["content"]["application/json"]
    names = [one["$ref"].rpartition("/")[2] for one in answer["schema"]["anyOf"]]

    assert names == ["RunResult", "OverRecResult", "TransformerResult"]
    assert set(names) <= set(description["components"]["schemas"])


def contents(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Body, answers and problem of an operation, as the description has them."""
    answers = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [content for answer in answers for content in answer.get("content", {}).values()]


def test_every_example_is_what_its_schema_says(description: dict[str, Any]) -> None:
    """Every body, every answer and the problem has an example that the service would take or give."""
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    checked = set()
    for content in (content for operation in operations for content in contents(operation)):
        schema, example = content.get("schema", {}), json.dumps(content["example"]).encode()
        first = schema.get("anyOf", [schema.get("items", schema)])[0]  # of a result of several kinds, the example is of the first
        name = first.get("$ref", "").rpartition("/")[2]
        if name in STRUCTURED:
            decode(msgspec.json.Decoder(STRUCTURED[name]), example)
        elif name:
            of_one = MODELS[name]
            for one in json.loads(example) if "items" in schema else [json.loads(example)]:
                of_one.model_validate_json(json.dumps(one))
        else:
            assert content["example"]
        checked.add(name)

    assert checked >= {"Problem", "RunResult", "ValidationReport", "SearchCreate", "ScoreRequest", "RecommendResponse"}
    EventPublic.model_validate_json(searches.ANSWERS["get", "/v1/searches/{search_id}/events"]["data"])


def test_examples_fit_the_coupon_model() -> None:
    """Every column and every value is the coupon data's; the context holds no column of the item, and the file has the schema's columns."""
    recipe = coupon_recipe(None)
    with gzip.open(recipe.data.path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    columns = recipe.data.columns
    cells = [cell for row in searches.SCORE["rows"] for cell in row.items()] + [("Coupon", item) for item in ("Coffee House", "Bar")]

    assert {(name, value) for name, value in cells if value not in {row[name] for row in rows}} == set()
    assert not set(searches.CONTEXT) & {columns.label, *columns.item}
    assert [item["id"] for item in searches.RECOMMENDED["items"]] == ["Bar", "Coffee House"]
    assert (searches.DATASET_CREATE["columns"]) == {"label": columns.label, "item": list(columns.item), "item_id": columns.item_id}
    assert set(searches.FILE.splitlines()[0].split(";")) <= set(rows[0])
    assert searches.SEARCH_CREATE["name"] == searches.SCORED["model"] == recipe.name


def test_a_data_set_is_read_as_a_recipe_reads_its_table() -> None:
    """What a request may say of a table is `DataConfig`, setting by setting, without a second and third file, a query, what is appended
    or joined, and the window, which a search states."""
    over_http, recipes = DatasetCreate.model_fields, DataConfig.model_fields
    shared = ("format", "delimiter", "columns")

    assert set(recipes) - set(over_http) == {"valid_path", "test_path", "appended", "joined", "window", "sql"}
    for name in shared:
        assert over_http[name].annotation == recipes[name].annotation
        assert (over_http[name].default, over_http[name].metadata) == (recipes[name].default, recipes[name].metadata)


def test_every_field_of_the_wire_has_a_sentence(description: dict[str, Any]) -> None:
    """Nobody has to guess what a field means."""
    schemas = description["components"]["schemas"]
    for name in ("DatasetCreate", "DatasetPublic", "SearchCreate", "SearchPublic", "ModelPublic", "Problem", "ProblemPart"):
        assert all("description" in field for field in schemas[name]["properties"].values()), name
