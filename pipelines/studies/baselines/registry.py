"""Baseline methods by the name that tables give them."""

from __future__ import annotations

from pipelines.studies.baselines.adafs import HARD, SOFT
from pipelines.studies.baselines.autofield import AutoField
from pipelines.studies.baselines.baseline import BaselineMethod
from pipelines.studies.baselines.mixture import Mixture
from pipelines.studies.baselines.pep import PEP
from pipelines.studies.baselines.plain import LARGER, SMALLER

_ALL: tuple[BaselineMethod, ...] = (SOFT, HARD, AutoField(), PEP(), Mixture(), SMALLER, LARGER)
BASELINES: dict[str, BaselineMethod] = {method.name: method for method in _ALL}
