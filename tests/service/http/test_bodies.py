"""What a JSON body may cost: its answer and its work do not grow with what is wrong with it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ihas_service.http.bodies import check_values, decoded
from ihas_service.http.policy import FEW_VALUES, MANY_VALUES
from ihas_service.http.problems import MAX_TOLD
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

JSON = {"content-type": "application/json"}
SMALL_ANSWER = 64 * 2**10
"""Bytes that no refusal needs."""


def sent(live: LiveServer, path: str, body: bytes) -> httpx.Response:
    """The answer to a body."""
    return live.http.post(path, content=body, headers=JSON)


def repeated(before: str, entry: str, count: int, after: str) -> bytes:
    """A body of many equal entries."""
    return (before + ",".join([entry] * count) + after).encode()


MODELS = "/v1/models/films"
INFER = "/v2/models/films/infer"
TENSOR = '{"inputs":[{"name":"user","shape":[1],"datatype":"BYTES","data":['
WRONG = (
    ("/v1/events", repeated('{"events":[', "{}", 1_000, "]}"), 422),
    ("/v1/events", repeated('{"events":[', "{}", 1_001, "]}"), 422),
    ("/v1/events", repeated('{"events":[', "{}", 300_000, "]}"), 413),
    ("/v1/searches", repeated("{", '"a":1', 15_000, "}"), 422),
    ("/v1/searches", repeated("{", '"a":1', 150_000, "}"), 413),
    ("/v1/searches", ('{"' + "x" * 900_000 + '":1}').encode(), 422),
    ("/v1/datasets", ('{"name":"' + "x" * 900_000 + '"}').encode(), 422),
    ("/v1/keys", repeated('{"name":"x","scopes":[', '"y"', 10_000, "]}"), 422),
    (f"{MODELS}/interactions", repeated('{"interactions":[', "{}", 100_001, "]}"), 422),
    (f"{MODELS}/interactions", repeated('{"interactions":[', "{}", 1_000_000, "]}"), 413),
    (f"{MODELS}/score", repeated('{"rows":[', "{}", 1_000_000, "]}"), 413),
    (f"{MODELS}/score", ('{"' + "x" * 900_000 + '":1}').encode(), 422),
    (f"{MODELS}/recommend", repeated('{"candidates":[', "[]", 1_000_000, "]}"), 413),
    (INFER, repeated('{"inputs":[', "{}", 1_000, "]}"), 422),
    (INFER, repeated('{"inputs":[', "{}", 300_000, "]}"), 413),
    (INFER, repeated(TENSOR, "[]", 900_000, "]}]}"), 413),
)
"""Path, body, status."""
NO_JSON = (
    b"[" * 1_000 + b"]" * 1_000,
    b'{"rows":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    b'{"name":"\\ud800"}',
    b'{"\\udc00":1}',
    b'{"name":"\xff"}',
    b'{"name":NaN}',
    b'{"name":' + b"9" * 5_000 + b"}",
    b'{"name":1e400}',
    b"\xef\xbb\xbf{}",
    b"\x00",
)
DEEP = (
    (f"{MODELS}/score", '{"rows":[{"user":', "}]}"),
    (f"{MODELS}/recommend", '{"context":{"user":', "}}"),
    (INFER, TENSOR, "]}]}"),
)
"""Path, and what stands around a value."""


def test_an_answer_does_not_grow_with_what_is_wrong(live: LiveServer, publish: Publish) -> None:
    """Thousands of wrong entries, unknown names, a name of a megabyte: refused with a small answer, of at most twenty parts."""
    publish()
    for path, body, status in WRONG:
        answer = sent(live, path, body)

        assert (answer.status_code, len(answer.content) < SMALL_ANSWER) == (status, True), (path, body[:50])
        assert len(answer.json().get("errors", ())) <= MAX_TOLD


def test_lengths_are_checked_before_entries(live: LiveServer) -> None:
    """Of a list that is too long nothing else is said; of one that is not, what is wrong with its first wrong entry."""
    long = sent(live, "/v1/events", repeated('{"events":[', "{}", 1_001, "]}")).json()["errors"]
    short = sent(live, "/v1/events", repeated('{"events":[', "{}", 1_000, "]}")).json()["errors"]

    assert [(part["pointer"], part["detail"]) for part in long] == [("/events", "`events` must have at most 1,000 entries, but has 1,001.")]
    assert [part["pointer"] for part in short] == [f"/events/0/{name}" for name in ("item_id", "kind")]


def test_at_most_twenty_wrong_parts_are_told(live: LiveServer) -> None:
    """And that there are more; twenty are told as twenty, and each detail says what is wrong with the first."""
    many, few = ('{"name":"x",' + ",".join(f'"a{place}":1' for place in range(count)) + "}" for count in (21, 20))
    told = [sent(live, "/v1/datasets", body.encode()).json() for body in (many, few)]

    assert [len(problem["errors"]) for problem in told] == [20, 20]
    first = "of the request are invalid, the first at /a0: There is no `a0` here."
    assert told[0]["detail"].startswith(f"More than 20 parts {first}")
    assert told[1]["detail"].startswith(f"20 parts {first}")


def test_one_wrong_part_is_the_detail(live: LiveServer) -> None:
    """Whoever reads the detail alone, as the command line does, learns the place, the law and the value."""
    body = b'{"name": "shop", "dataset_id": "ds_1", "learning": {"training": {"epochs": 0}}}'
    assert sent(live, "/v1/searches", body).json()["detail"] == "/learning/training/epochs: `epochs` must be at least 1, but got 0."


def test_what_is_no_json_is_the_clients_fault(live: LiveServer, publish: Publish) -> None:
    """Brackets a thousand deep, lone surrogates, numbers beyond all bounds: 4xx, never 5xx."""
    publish()
    for path in (f"{MODELS}/score", f"{MODELS}/recommend", INFER, "/v1/events", "/v1/searches", "/v1/datasets", f"{MODELS}/promote"):
        for body in NO_JSON:
            assert 400 <= sent(live, path, body).status_code < 500, (path, body[:50])


def test_a_deep_value_is_the_clients_fault(live: LiveServer, publish: Publish) -> None:
    """As deep as a decoder takes: it is answered or refused."""
    publish()
    for path, before, after in DEEP:
        for depth in (50, 300, 900):
            assert sent(live, path, (before + "[" * depth + "]" * depth + after).encode()).status_code < 500, (path, depth)


@pytest.mark.parametrize("size", [1_000, 2 * 2**20])
def test_a_right_body_is_read_whole(live: LiveServer, publish: Publish, size: int) -> None:
    """In the event loop or beside it: the same answer."""
    publish()
    row: dict[str, Any] = {"user": "ada", "movie": "m1"}
    long = live.json("POST", "/v1/models/films/score", json={"rows": [row, {**row, "user": "x" * size}]})
    short = live.json("POST", "/v1/models/films/score", json={"rows": [row, {**row, "user": "y"}]})

    assert [one["logit"] for one in long["scores"]] == [one["logit"] for one in short["scores"]]


def test_values_are_counted_outside_texts() -> None:
    """Commas and brackets of a text are no values, whatever is escaped in it."""
    check_values(b'["' + b",[{" * 100 + b'\\",", 1]', 3)
    check_values(b'"' + b"," * 100, 101)
    with pytest.raises(Exception, match="more than 3 values"):
        check_values(b"[1,2,3,4]", 3)


def test_numbers_keep_their_digits() -> None:
    """An id beyond 64 bits is read as it was written."""
    assert decoded(b'{"user": 12345678901234567890123}') == {"user": 12345678901234567890123}
    assert FEW_VALUES < MANY_VALUES
