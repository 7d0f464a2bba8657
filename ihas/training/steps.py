"""How a training reached what it kept, so that it can be repeated on other rows.

A training that validation rows steered, by falls of the rate and by early stopping, is repeated without them: the same rates for as many
epochs, the average begun and gone on from at the same epochs. Source: our choice (decision 92).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochStep:
    """An epoch of a training.

    Attributes:
        rate: learning rate.
        from_average: whether it went on from the average, not from the weights at the end of the epoch before.
        begins: whether the average of epochs began anew with it.
    """

    rate: float
    from_average: bool
    begins: bool


Steps = tuple[EpochStep, ...]


class KeptPath:
    """The epochs that lead to what a training keeps."""

    def __init__(self) -> None:
        self._kept: list[EpochStep] = []
        self._since: list[EpochStep] = []
        self._from_average = False

    def went(self, rate: float, *, begins: bool) -> None:
        """An epoch is over."""
        self._since.append(EpochStep(rate, self._from_average, begins))
        self._from_average = False

    def keep(self) -> None:
        """What the last epoch led to is kept."""
        self._kept += self._since
        self._since = []

    def go_back(self) -> None:
        """The next epoch goes on from what is kept."""
        self._since, self._from_average = [], bool(self._kept)

    @property
    def steps(self) -> Steps:
        """The epochs that lead to what is kept; none where that is what the training started from."""
        return tuple(self._kept)
