"""The one place that imports TensorFlow.

tensorflow-recommenders needs Keras 2, which TensorFlow gives only when `TF_USE_LEGACY_KERAS` is set before its
first import. Everything else imports `tf`, `keras` and what it needs of tensorflow-recommenders from here.
"""

from __future__ import annotations

import os
import sys
import warnings

from ihas.errors import ConfigError

if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
    raise ConfigError(
        "TensorFlow must be imported after `TF_USE_LEGACY_KERAS=1` is set, but it was imported before iHAS. "
        "Import iHAS first, or set that environment variable to 1."
    )
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # third-party deprecations at import, none of them ours to mend
    import tensorflow as tf
    import tf_keras as keras
    from tensorflow_recommenders.layers.feature_interaction.dcn import Cross
    from tensorflow_recommenders.layers.loss import RemoveAccidentalHits, SamplingProbablityCorrection
    from tensorflow_recommenders.metrics.factorized_top_k import FactorizedTopK

tf.get_logger().setLevel("ERROR")

__all__ = ["Cross", "FactorizedTopK", "RemoveAccidentalHits", "SamplingProbablityCorrection", "keras", "tf"]
