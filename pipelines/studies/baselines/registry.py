"""Baseline methods by the name that tables give them."""

from __future__ import annotations

from ihas_pipelines.studies.baselines.adafs import HARD, SOFT
from ihas_pipelines.studies.baselines.autofield import AutoField
from ihas_pipelines.studies.baselines.baseline import BaselineMethod
from ihas_pipelines.studies.baselines.mixture import Mixture
from ihas_pipelines.studies.baselines.pep import PEP
from ihas_pipelines.studies.baselines.plain import LARGER, SMALLER

_ALL: tuple[BaselineMethod, ...] = (SOFT, HARD, AutoField(), PEP(), Mixture(), SMALLER, LARGER)
BASELINES: dict[str, BaselineMethod] = {method.name: method for method in _ALL}
