"""Plain models of other sizes: what a smaller, or a larger, embedding or network alone is worth.

Settings are factors on `training.embedding_dim` and on every number of `backbone.hidden` and
`backbone.second_hidden`; nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.stages.evaluate.variants import plain_variant
from ihas.training.plain import continue_plain, train_plain
from ihas.training.trainer import EpochListener
from ihas_pipelines.runs.answers import Answers, Setting


@dataclass(frozen=True)
class Resized:
    """The baseline method. Settings: `dim` and `hidden`, factors on the base's.

    Attributes:
        name: what tables call it.
        settings: what is tuned.
    """

    name: str
    settings: tuple[Setting, ...]
    source: str = "our choice"

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Trained as the base is."""
        own = resized(config, float(setting["dim"]), float(setting["hidden"]))
        trained = train_plain(parts, own, "base", listen)
        weights = continue_plain(parts, trained, own, "base", listen).weights
        variant = plain_variant("base", weights, parts, own)
        return Answers(variant.valid_logits, variant.test_logits, variant.cost, setting)


def resized(config: LearningConfig, dim: float, hidden: float) -> LearningConfig:
    """The same model with its sizes multiplied, none below 1."""
    layers = {name: tuple(_times(units, hidden) for units in getattr(config.backbone, name)) for name in ("hidden", "second_hidden")}
    backbone = config.backbone.model_copy(update=layers)
    return config.model_copy(update={"backbone": backbone}).with_training(embedding_dim=_times(config.training.embedding_dim, dim))


def _times(size: int, factor: float) -> int:
    return max(1, round(size * factor))


def _settings(*sizes: tuple[float, float]) -> tuple[Setting, ...]:
    return tuple({"dim": dim, "hidden": hidden} for dim, hidden in sizes)


SMALLER = Resized("plain-smaller", _settings((0.75, 1.0), (0.5, 1.0), (1.0, 0.5), (0.5, 0.5)))
LARGER = Resized("plain-larger", _settings((1.5, 1.0), (2.0, 1.0), (1.0, 2.0), (2.0, 2.0)))
