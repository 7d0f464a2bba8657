"""TensorFlow comes with Keras 2, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ihas.legacy_keras import Cross, keras, tf

pytestmark = pytest.mark.tf

FLAG = "TF_USE_LEGACY_KERAS"


def _run(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process whose environment has the flag only where `settings` give it."""
    environment = {name: value for name, value in os.environ.items() if name != FLAG} | settings
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_tensorflow_first_without_the_flag_is_an_error() -> None:
    """Whoever imports TensorFlow first and without the flag is told what to do instead."""
    done = _run("import tensorflow, ihas.legacy_keras")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        "ihas.errors.ConfigError: TensorFlow must be imported after `TF_USE_LEGACY_KERAS=1` is set, but it was imported before iHAS. "
        "Import iHAS first, or set that environment variable to 1."
    )


def test_keras_is_keras_2() -> None:
    """`tf.keras` is tf-keras, whose layers tensorflow-recommenders builds on."""
    assert tf.keras.layers.Dense is keras.layers.Dense
    assert keras.__version__.startswith("2.")
    assert issubclass(Cross, keras.layers.Layer)
    assert os.environ[FLAG] == "1"
