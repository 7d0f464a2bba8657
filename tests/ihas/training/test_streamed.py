"""A training as a stream."""

from __future__ import annotations

import threading

import pytest

from ihas.results.run_result import EpochMetrics
from ihas.training.streamed import streamed
from ihas.training.trainer import EpochListener
from tests.clock import HANG_S

pytestmark = pytest.mark.tf


def _figures(epoch: int) -> EpochMetrics:
    return EpochMetrics(model="model", epoch=epoch, loss=0.5, auc=0.5)


def test_epochs_come_while_the_training_runs_and_the_result_comes_last() -> None:
    """The second epoch is begun only once the first was read."""
    read = threading.Event()

    def train(listen: EpochListener) -> str:
        listen(_figures(1))
        assert read.wait(HANG_S)
        listen(_figures(2))
        return "weights"

    stream = streamed(train)
    assert next(stream) == ("epoch", _figures(1))
    read.set()

    assert list(stream) == [("epoch", _figures(2)), ("result", "weights")]


def test_an_error_comes_after_the_epochs_before_it() -> None:
    """It is raised as it is."""

    def train(listen: EpochListener) -> None:
        listen(_figures(1))
        raise ArithmeticError("the loss is not finite")

    stream = streamed(train)
    assert next(stream) == ("epoch", _figures(1))
    with pytest.raises(ArithmeticError, match="the loss is not finite"):
        next(stream)
