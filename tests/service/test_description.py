"""The service does what its own description says: thousands of requests made from it, right and wrong ones (schemathesis)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ihas_service.http.examples.searches import RESULT
from tests.service.conftest import Publish
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

CASES = os.environ.get("IHAS_TEST_CASES", "200")
OPERATIONS = os.environ.get("IHAS_TEST_OPERATIONS", ".")
"""Regular expression of the operations, such as `^POST /v1/searches$`; all by default."""
# Who asks to wait for a search waits: that is no slow answer.
# A request may be right by the description and wrong for what is there: a field that this model does not have, a version that there
# is not, a state that does not allow it. Every such refusal is described; none of these is an error of the service.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 412, 415, 422, 428, 429, 503]

[[operations]]
include-name = "GET /v1/searches/{search_id}"
parameters = { "query.wait" = 0.05 }
"""


@pytest.mark.slow
@pytest.mark.timeout(max(3_000, 15 * int(CASES)))
def test_the_service_does_what_it_describes(guarded: LiveServer, new_headers: NewKey, publish: Publish, tmp_path: Path) -> None:
    """Every check on, on every operation but the endless stream, by a key with all scopes: no 5xx, no undescribed status, no answer of
    another form, and none without the key."""
    for _ in range(2):
        (publish().parent / "result.json").write_text(json.dumps(RESULT))
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(tmp_path / "schemathesis.toml"), "run"]
    command += [
        f"{guarded.url}/openapi.json",
        "--header",
        f"Authorization: {new_headers()['authorization']}",
        "--checks",
        "all",
        "--max-examples",
        CASES,
        "--seed",
        "1",
        "--request-timeout",
        "30",
    ]
    command += ["--phases", "examples,coverage,fuzzing", "--exclude-path", "/v1/searches/{search_id}/events"]
    command += ["--include-name-regex", OPERATIONS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    print(done.stdout[-2_000:])  # noqa: T201 - how many cases there were; shown by `pytest -s`
    assert done.returncode == 0, done.stdout[-8_000:]
