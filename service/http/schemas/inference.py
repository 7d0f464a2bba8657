"""What goes over the wire in the Open Inference Protocol, version 2."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import FailFast, Field

from ihas.config.base import Config

MAX_ROWS = 10_000
"""Rows of a request."""
Shape = Annotated[tuple[Annotated[int, Field(ge=0, le=MAX_ROWS)], ...], Field(min_length=1, max_length=2)]


class ServerLive(Config):
    """Whether the server is live."""

    live: bool
    """It is."""


class ServerReady(Config):
    """Whether the server is ready."""

    ready: bool
    """Every model that was there at the start was loaded, or cannot be."""


class ModelReady(Config):
    """Whether a model is ready."""

    name: str
    """The model."""
    ready: bool
    """A version of it is loaded."""


class ServerMetadata(Config):
    """What the server is."""

    name: str
    """Its name."""
    version: str
    """Its version."""
    extensions: tuple[str, ...]
    """AppState of the protocol beyond the core."""


class TensorMetadata(Config):
    """What a tensor holds."""

    name: str
    """A field of the model, or `score`, `logit`, `group`."""
    datatype: str
    """Kind of its elements."""
    shape: tuple[int, ...]
    """Its dimensions; -1 for rows."""


class ModelMetadata(Config):
    """What a model takes and gives."""

    name: str
    """The model."""
    versions: tuple[str, ...]
    """Its versions, newest first."""
    platform: str
    """What it runs on."""
    inputs: tuple[TensorMetadata, ...]
    """Its fields."""
    outputs: tuple[TensorMetadata, ...]
    """What it answers for each row."""


class InputTensor(Config):
    """One field of all rows."""

    name: Annotated[str, Field(max_length=200)]
    """The field."""
    shape: Shape
    """`[rows]` or `[rows, 1]`."""
    datatype: Annotated[str, Field(max_length=16)]
    """`BYTES` for texts, or a kind of number."""
    parameters: dict[str, Any] = {}
    """Not used."""
    data: Annotated[list[Any], Field(max_length=MAX_ROWS)]
    """One value per row; a multi-valued field's are joined by its separator."""


class OutputAsked(Config):
    """An output that is asked for."""

    name: Annotated[str, Field(max_length=200)]
    """`score`, `logit` or `group`."""
    parameters: dict[str, Any] = {}
    """`binary_data` may be false only."""


class InferenceRequest(Config):
    """Rows to score, field by field."""

    id: Annotated[str, Field(max_length=200)] | None = None
    """Name of the request, given back."""
    parameters: dict[str, Any] = {}
    """Not used."""
    inputs: Annotated[tuple[InputTensor, ...], Field(min_length=1, max_length=1_000), FailFast()]
    """Fields; one left out is missing in every row."""
    outputs: Annotated[tuple[OutputAsked, ...], Field(max_length=100), FailFast()] = ()
    """Outputs; all without any."""


class OutputTensor(Config):
    """One answer of all rows."""

    name: str
    """`score`, `logit` or `group`."""
    shape: tuple[int, ...]
    """`[rows]`."""
    datatype: str
    """Kind of its elements."""
    data: list[float] | list[int]
    """One value per row."""


class InferenceResponse(Config):
    """Scores."""

    model_name: str
    """The model."""
    model_version: str
    """The version that answered."""
    id: str | None = None
    """The request's name."""
    outputs: tuple[OutputTensor, ...]
    """What was asked for."""
