"""Benchmark plans in the pages are plans."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from ihas_pipelines.studies.baselines.registry import BASELINES
from ihas_pipelines.studies.benchmark.plan import Plan, PlannedBackbone
from tests.blocks import blocks

pytestmark = pytest.mark.tf

PLANS: list[dict[str, Any]] = [plan for block in blocks("toml") if "recipes" in (plan := tomllib.loads(block.text))]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: str(plan["name"]))
def test_a_plan_of_a_page_names_what_there_is(plan: dict[str, Any]) -> None:
    """Its settings, baseline methods and backbones."""
    assert set(plan) <= set(Plan.model_fields)
    assert set(plan["peers"]) <= set(BASELINES)
    assert [PlannedBackbone.model_validate(one) for one in plan["backbones"].values()]
