"""What decides the last bit of a training."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from ihas.optim.update_rules import num_threads
from ihas.training.arithmetic import Arithmetic, own_arithmetic

pytestmark = pytest.mark.tf

OWN = Arithmetic(2, 0, ("avx2", "fma", "sse2"), ("32K", "1024K"), {"python": "3.11.7", "tensorflow": "2.21.0"})


@pytest.mark.parametrize(
    ("other", "differences"),
    [
        (OWN, []),
        (replace(OWN, threads=4), ["threads 4, not 2"]),
        (replace(OWN, gpus=1), ["gpus 1, not 0"]),
        (replace(OWN, versions={"python": "3.11.7", "tensorflow": "2.20.0"}), ["tensorflow 2.20.0, not 2.21.0"]),
        (replace(OWN, versions={"python": "3.11.7"}), ["tensorflow None, not 2.21.0"]),
        (replace(OWN, instructions=("avx2", "sse2")), ["a processor without fma"]),
        (replace(OWN, instructions=(*OWN.instructions, *"abcdef")), ["a processor with a, b, c, d and 2 more"]),
        (replace(OWN, caches=("48K", "1024K")), ["caches 48K 1024K, not 32K 1024K"]),
    ],
)
def test_every_difference_is_named(other: Arithmetic, differences: list[str]) -> None:
    """With the other's value and this one's."""
    assert OWN.differences(asdict(other)) == differences


def test_a_process_knows_its_own() -> None:
    """TensorFlow's threads and version, and a processor that has instructions; it agrees with itself."""
    own = own_arithmetic()

    assert own.threads == num_threads()
    assert own.versions["tensorflow"].startswith("2.")
    assert own.instructions
    assert own_arithmetic(own.threads).differences(asdict(own)) == []
