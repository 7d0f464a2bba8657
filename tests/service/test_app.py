"""The application as a whole: what it imports, and how it describes itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.routes.models import RECOMMEND, RECOMMEND_EXAMPLE, SCORE, SCORE_EXAMPLE, decode
from service.schemas import DatasetCreate, DatasetPublic, SearchCreate, SearchPublic
from service.settings import Settings

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
        "import service.api, service.client, service.server",
        "from service.app import create_app; from service.settings import Settings",
        f"create_app(Settings(folder=pathlib.Path({str(tmp_path)!r})))",
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))",
    )
    answer = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)

    assert json.loads(answer.stdout) == []


def test_every_route_is_described(description: dict[str, Any]) -> None:
    """Each operation has a sentence, an answer and the problem document."""
    operations = [operation for path in description["paths"].values() for operation in path.values()]

    assert len(operations) == 21
    for operation in operations:
        assert operation["description"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]
        assert "422" not in operation["responses"]


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    """Also those of the bodies that msgspec reads."""
    text = json.dumps(description)
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}

    assert names <= set(description["components"]["schemas"])
    assert {"Problem", "ScoreRequest", "RecommendRequest", "RecommendResponse", "RunResult"} <= names


@pytest.mark.parametrize("kind", [DatasetCreate, DatasetPublic, SearchCreate, SearchPublic])
def test_examples_are_valid(kind: Any) -> None:
    """What the description shows is what the service takes and gives."""
    for example in kind.model_json_schema()["examples"]:
        kind.model_validate(example)


def test_examples_of_the_hot_routes_are_valid(description: dict[str, Any]) -> None:
    """They decode, and they are in the description."""
    decode(SCORE, json.dumps(SCORE_EXAMPLE).encode())
    decode(RECOMMEND, json.dumps(RECOMMEND_EXAMPLE).encode())

    body = description["paths"]["/v1/models/{name}/recommend"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"] == RECOMMEND_EXAMPLE


def test_every_field_of_the_wire_has_a_sentence(description: dict[str, Any]) -> None:
    """Nobody has to guess what a field means."""
    schemas = description["components"]["schemas"]
    for name in ("DatasetCreate", "DatasetPublic", "SearchCreate", "SearchPublic", "ModelPublic", "Problem", "ProblemPart"):
        assert all("description" in field for field in schemas[name]["properties"].values()), name
