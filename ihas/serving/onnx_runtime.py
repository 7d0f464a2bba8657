"""The one place that imports ONNX Runtime, whose official builds send telemetry unless told not to before the import."""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: E402  # the variable is read by this import

__all__ = ["onnxruntime"]
