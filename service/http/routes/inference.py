"""The Open Inference Protocol, version 2: each field of a model is an input tensor with one element per row.

https://github.com/kserve/open-inference-protocol; scores of rows only. Errors of these paths are `{"error": text}`, as the protocol says.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool

from ihas.errors import RequestError
from ihas.serving.answers import Scored
from ihas.serving.protocol import predicts_numbers, several_labels
from ihas_service.http.bodies import INLINE_BYTES, check_values, checked, decoded
from ihas_service.http.dependencies import CallerDep, PartsDep, versions_of
from ihas_service.http.policy import MANY_VALUES, MIB, Shedding, asking, reading
from ihas_service.http.routes.choosing import chosen, shadows_of
from ihas_service.http.schemas.inference import (
    InferenceRequest,
    InferenceResponse,
    ModelMetadata,
    ModelReady,
    OutputTensor,
    ServerLive,
    ServerMetadata,
    ServerReady,
    TensorMetadata,
)
from ihas_service.models.traffic_split import Served

router = APIRouter(prefix="/v2", tags=["open inference protocol"])
PLATFORM = "ihas"
NUMBERS = frozenset({"FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL"})
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/InferenceRequest"}}}}}
OUTPUTS = {"score": "FP64", "logit": "FP64", "group": "INT64"}
SCORE_OF = "score_"
"""Begins the outputs of models of several labels, one with the probability of each."""
NUMBER_OUTPUTS = {**OUTPUTS, "value": "FP64"}
"""Of models whose label is a number."""


@router.get("/health/live", openapi_extra=reading(None, Shedding.NEVER))
async def server_live() -> ServerLive:
    """The server answers."""
    return ServerLive(live=True)


@router.get("/health/ready", openapi_extra=reading(None, Shedding.NEVER))
def server_ready(parts: PartsDep) -> ServerReady:
    """The models that existed at the start were loaded."""
    return ServerReady(ready=not parts.registry.loading and not parts.draining.is_set())


@router.get("", openapi_extra=reading(None, Shedding.NEVER))
def server_metadata(request: Request) -> ServerMetadata:
    """Name and version of the server."""
    return ServerMetadata(name="ihas", version=request.app.version, extensions=())


@router.get("/models/{model_name}", openapi_extra=reading())
def model_metadata(model_name: str, parts: PartsDep, caller: CallerDep) -> ModelMetadata:
    """Inputs and outputs of a model."""
    return _metadata(parts, caller.tenant, model_name, None)


@router.get("/models/{model_name}/versions/{model_version}", openapi_extra=reading())
def version_metadata(model_name: str, model_version: Number, parts: PartsDep, caller: CallerDep) -> ModelMetadata:
    """Inputs and outputs of a version."""
    return _metadata(parts, caller.tenant, model_name, model_version)


@router.get("/models/{model_name}/ready", response_model=ModelReady, openapi_extra=reading())
def model_ready(model_name: str, parts: PartsDep, caller: CallerDep) -> Any:
    """A version of the model is loaded; the protocol answers 200 then."""
    parts.registry.get(model_name, None, caller.tenant)
    return ModelReady(name=model_name, ready=True)


@router.get("/models/{model_name}/versions/{model_version}/ready", response_model=ModelReady, openapi_extra=reading())
def version_ready(model_name: str, model_version: Number, parts: PartsDep, caller: CallerDep) -> Any:
    """The version is loaded."""
    parts.registry.get(model_name, model_version, caller.tenant)
    return ModelReady(name=model_name, ready=True)


@router.post(
    "/models/{model_name}/infer",
    openapi_extra=asking(4 * MIB, BODY),
)
async def infer(model_name: str, request: Request, parts: PartsDep) -> InferenceResponse:
    """Score rows given as one tensor per field; no content type is required, since clients of the protocol send none."""
    return await _infer(model_name, None, request, parts)


@router.post(
    "/models/{model_name}/versions/{model_version}/infer",
    openapi_extra=asking(4 * MIB, BODY),
)
async def infer_version(model_name: str, model_version: Number, request: Request, parts: PartsDep) -> InferenceResponse:
    """Score rows with a version."""
    return await _infer(model_name, model_version, request, parts)


async def _infer(name: str, version: int | None, request: Request, parts: PartsDep) -> InferenceResponse:
    given = await request.body()
    body, rows = _read(given) if len(given) <= INLINE_BYTES else await run_in_threadpool(_read, given)
    served = await chosen(request.scope, parts, name, version, rows[0] if rows else {})
    kinds = _outputs(served)
    wanted = _wanted(body, kinds)
    scores = await parts.threads.run(request.scope, served.recommender.score, rows)
    parts.response_log.scored(served, shadows_of(parts, served, rows[0] if rows else {}), rows, scores)
    columns: dict[str, Any] = {output: [_cell(one, output) for one in scores] for output in wanted}
    outputs = tuple(OutputTensor(name=one, shape=(len(rows),), datatype=kinds[one], data=columns[one]) for one in wanted)
    return InferenceResponse(model_name=name, model_version=str(served.version.version), id=body.id, outputs=outputs)


def _read(given: bytes) -> tuple[InferenceRequest, list[dict[str, Any]]]:
    """A request and its rows."""
    check_values(given, MANY_VALUES)
    body = checked(InferenceRequest, decoded(given))
    if not isinstance(body, InferenceRequest):
        raise RequestValidationError((), body=body)
    return body, rows_of(body)


def rows_of(body: InferenceRequest) -> list[dict[str, Any]]:
    """Rows of a request whose inputs are fields.

    Raises:
        RequestError: an input's data do not fill its shape, or inputs have different numbers of rows.
    """
    count = body.inputs[0].shape[0]
    for place, tensor in enumerate(body.inputs):
        pointer = f"/inputs/{place}"
        if tensor.datatype != "BYTES" and tensor.datatype not in NUMBERS:
            raise RequestError(f"The datatype must be BYTES or a kind of number, but is {tensor.datatype!r}.", f"{pointer}/datatype")
        if tensor.shape[0] != count or tensor.shape[1:] not in ((), (1,)):
            wanted = f"[{count}] or [{count}, 1], as the first input's"
            raise RequestError(f"The shape must be {wanted}, but is {tensor.shape}.", f"{pointer}/shape")
        if len(values := _flat(tensor.data)) != count:
            raise RequestError(f"The data must have {count} values, but have {len(values)}.", f"{pointer}/data")
    columns = {tensor.name: _flat(tensor.data) for tensor in body.inputs}
    return [{name: values[row] for name, values in columns.items()} for row in range(count)]


def _flat(data: list[Any]) -> list[Any]:
    return [part for one in data for part in (one if isinstance(one, list) else [one])]


def _outputs(served: Served) -> dict[str, str]:
    """Outputs of a model, and the type of each."""
    more = {f"{SCORE_OF}{label}": "FP64" for label in several_labels(served.recommender)}
    return {**(NUMBER_OUTPUTS if predicts_numbers(served.recommender) else OUTPUTS), **more}


def _cell(scored: Scored, output: str) -> Any:
    """An output of a row; `score_` and the name of one of several labels is that label's probability."""
    if isinstance(scored.scores, dict) and output.startswith(SCORE_OF):
        return scored.scores[output.removeprefix(SCORE_OF)]
    return getattr(scored, output)


def _wanted(body: InferenceRequest, kinds: dict[str, str]) -> tuple[str, ...]:
    for place, output in enumerate(body.outputs):
        if output.name not in kinds:
            raise RequestError(f"Outputs are {', '.join(kinds)}, but {output.name!r} was asked for.", f"/outputs/{place}/name")
        if output.parameters.get("binary_data"):
            raise RequestError("Outputs come as JSON. Ask with `binary_data` false.", f"/outputs/{place}/parameters/binary_data")
    return tuple(output.name for output in body.outputs) or tuple(kinds)


def _metadata(parts: PartsDep, tenant: str, name: str, version: int | None) -> ModelMetadata:
    versions = versions_of(parts.store, name, tenant)
    served: Served = parts.registry.get(name, version, tenant)
    table = served.recommender.table
    fields = () if table is None else table.schema.stated_names
    return ModelMetadata(
        name=name,
        versions=tuple(str(one.version) for one in versions),
        platform=PLATFORM,
        inputs=tuple(TensorMetadata(name=one, datatype="BYTES", shape=(-1,)) for one in fields),
        outputs=tuple(TensorMetadata(name=one, datatype=kind, shape=(-1,)) for one, kind in _outputs(served).items()),
    )
