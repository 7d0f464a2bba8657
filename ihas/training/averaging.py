"""The average of epochs: weights that rank better than those of any one epoch, at the cost of one.

    a_1 = w_1,    a_n = k a_{n-1} + (1 - k) w_n,    k = min(decay, 1 - 1/n)

w_n are the weights at the end of the n-th epoch since the average began. It begins anew at an epoch that ranks validation rows better
than the average with it would, so that it does not lag behind a training that is still learning fast. Source: Polyak and Juditsky 1992;
Izmailov et al., Averaging weights leads to wider optima (UAI 2018). The epoch as the step and the new beginning are our choice
(decision 91).
"""

from __future__ import annotations

import numpy as np

State = list[np.ndarray]


class EpochAverage:
    """Average of the states that were added since it began.

    Attributes:
        count: how many these are.
        state: the average; arrays that the next `add` overwrites.
    """

    def __init__(self, decay: float) -> None:
        """
        Args:
            decay: the largest weight of the average so far, in [0, 1); 0 for the newest state alone.
        """
        self._decay = decay
        self.count, self.state = 0, State()

    def add(self, state: State) -> State:
        """Count a state in; the average. The state's arrays must not be changed afterwards, and are not changed by later calls."""
        self.count += 1
        share = min(self._decay, 1.0 - 1.0 / self.count)
        if share == 0.0:
            return self.begin(state)
        for mean, value in zip(self.state, state, strict=True):
            mean -= value
            mean *= share
            mean += value  # share * mean + (1 - share) * value, without a table's worth of memory for the product
        return self.state

    def begin(self, state: State) -> State:
        """Begin anew with a state; the average, which is a copy of it."""
        self.count, self.state = 1, [value.copy() for value in state]
        return self.state

    def copy(self) -> State:
        """The average, in arrays of its own."""
        return [value.copy() for value in self.state]

    def forget(self) -> None:
        """Begin anew with the next state."""
        self.count = 0
