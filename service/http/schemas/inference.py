"""Requests and responses of the Open Inference Protocol, version 2."""

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
    """Always true."""


class ServerReady(Config):
    """Whether the server is ready."""

    ready: bool
    """Every model that existed at the start was loaded, or cannot be."""


class ModelReady(Config):
    """Whether a model is ready."""

    name: str
    """The model."""
    ready: bool
    """A version of it is loaded."""


class ServerMetadata(Config):
    """Name and version of the server."""

    name: str
    """Its name."""
    version: str
    """Its version."""
    extensions: tuple[str, ...]
    """Extensions of the protocol."""


class TensorMetadata(Config):
    """Metadata of a tensor."""

    name: str
    """A field of the model, or `score`, `logit`, `group`; of a model whose label is a number, `value` too; of several labels, `score_` and
    the name of each."""
    datatype: str
    """Type of its elements."""
    shape: tuple[int, ...]
    """Its dimensions; -1 for rows."""


class ModelMetadata(Config):
    """Inputs and outputs of a model."""

    name: str
    """The model."""
    versions: tuple[str, ...]
    """Its versions, newest first."""
    platform: str
    """Platform of the model."""
    inputs: tuple[TensorMetadata, ...]
    """Its fields."""
    outputs: tuple[TensorMetadata, ...]
    """Output tensors."""


class InputTensor(Config):
    """Values of one field in all rows."""

    name: Annotated[str, Field(max_length=200)]
    """The field."""
    shape: Shape
    """`[rows]` or `[rows, 1]`."""
    datatype: Annotated[str, Field(max_length=16)]
    """`BYTES` for texts, or a type of number."""
    parameters: dict[str, Any] = {}
    """Not used."""
    data: Annotated[list[Any], Field(max_length=MAX_ROWS)]
    """One value per row; values of a multi-valued field are joined by its separator."""


class OutputAsked(Config):
    """A requested output."""

    name: Annotated[str, Field(max_length=200)]
    """`score`, `logit`, `group`, `value` of a model whose label is a number, or `score_` and a label of several."""
    parameters: dict[str, Any] = {}
    """`binary_data` must be false."""


class InferenceRequest(Config):
    """Rows to score, one tensor per field."""

    id: Annotated[str, Field(max_length=200)] | None = None
    """Id of the request, returned in the response."""
    parameters: dict[str, Any] = {}
    """Not used."""
    inputs: Annotated[tuple[InputTensor, ...], Field(min_length=1, max_length=1_000), FailFast()]
    """Fields; an omitted one is missing in every row."""
    outputs: Annotated[tuple[OutputAsked, ...], Field(max_length=100), FailFast()] = ()
    """Requested outputs; all by default."""


class OutputTensor(Config):
    """One output for all rows."""

    name: str
    """`score`, `logit`, `group`, `value` of a model whose label is a number, or `score_` and a label of several."""
    shape: tuple[int, ...]
    """`[rows]`."""
    datatype: str
    """Type of its elements."""
    data: list[float] | list[int]
    """One value per row."""


class InferenceResponse(Config):
    """Scores."""

    model_name: str
    """The model."""
    model_version: str
    """The version that served the request."""
    id: str | None = None
    """Id of the request."""
    outputs: tuple[OutputTensor, ...]
    """Requested outputs."""
