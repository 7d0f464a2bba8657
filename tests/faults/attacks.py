"""Requests that no client of ours sends, drawn by a seed: bytes for a socket, by kind of fault."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from ihas_service.benchmark_server import NAME

MODEL = f"/v1/models/{NAME}"
ROUTES = (f"{MODEL}/score", f"{MODEL}/recommend", f"/v2/models/{NAME}/infer", "/v1/events", "/v1/searches", "/v1/datasets", "/v1/keys")
ROUTES += (f"{MODEL}/promote", f"{MODEL}/interactions", f"{MODEL}/what-if", f"{MODEL}/traffic")
GET = ("/v1/models/{}", "/v1/models/{}/versions/1", "/v1/searches/{}", "/v1/datasets/{}", "/v1/datasets/{}/report", "/v1/keys/{}", "/{}")
GET += (
    "/v1/models?cursor={}",
    "/v1/searches?limit={}",
    "/v1/searches/{}?wait={}",
    f"{MODEL}?version={{}}",
    "/docs/{}",
    "/v2/models/{}/ready",
)
RIGHT: Mapping[str, object] = {
    "rows": [{"user": "ada", "movie": "m1"}],
    "context": {"user": "ada"},
    "k": 2,
    "name": "x",
    "dataset_id": "ds_0",
    "events": [],
    "version": 1,
    "interactions": [{"user": "a", "item": "b"}],
    "scopes": ["score"],
    "inputs": [],
    "kind": "click",
    "path": "/etc/passwd",
    "uri": "http://169.254.169.254/latest",
    "columns": {"label": "click"},
    "learning": {},
    "overrec": {},
    "plan": {},
    "shadows": [],
}
ODD = (
    None,
    True,
    -1,
    0,
    2**63,
    2**64,
    10**400,
    1e308,
    "",
    "\x00",
    "\ud800",
    "../../etc/passwd",
    "a" * 5_000,
    [],
    {},
    [[]],
    [None] * 50,
    {"a": {"b": []}},
)
ODD += ("\u202e", "%00", "é", "1e5", " ", "null", "'; drop table jobs; --", "{{7*7}}", "\x1b[31m", "\ufeff", "＜", "a\r\nb: c")
BYTES = (b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\r", b"\x7f", b"\xef\xbb\xbf")
Draw = random.Random


@dataclass(frozen=True)
class Attack:
    """One fault.

    Attributes:
        sent: bytes for a new connection.
        leaves: whether the connection is cut right after them, without reading.
    """

    sent: bytes
    leaves: bool = False


def request(method: bytes, target: bytes, key: bytes, body: bytes = b"", more: tuple[bytes, ...] = (), json_body: bool = True) -> bytes:
    """A request in one piece, which asks for the connection to be closed."""
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", b"Authorization: Bearer " + key, *more]
    if body or method != b"GET":
        lines += [b"Content-Length: %d" % len(body)] + ([b"Content-Type: application/json"] if json_body else [])
    return b"\r\n".join([*lines, b"", body])


def _post(draw: Draw, key: bytes, body: bytes) -> Attack:
    return Attack(request(b"POST", draw.choice(ROUTES).encode(), key, body))


def broken_json(draw: Draw, key: bytes) -> Attack:
    """A body that is no JSON, or is not JSON as RFC 8259 has it."""
    right = json.dumps(dict(draw.sample(list(RIGHT.items()), 4))).encode()
    place = draw.randrange(len(right))
    bodies = (
        b"",
        right[:place],
        right[:place] + draw.choice(BYTES) + right[place:],
        right + right,
        b"[" * 1_000 + b"]" * 1_000,
        b'{"a":' * 5_000,
        b'{"rows":' + b"[" * 100_000 + b"}",
        b'{"name":"\\ud800"}',
        b'{"k":NaN}',
        b'{"k":1e999}',
        b"\xef\xbb\xbf{}",
        b"{" * 30,
        b'{"k":' + b"9" * 5_000 + b"}",
        b'{"name":"' + draw.choice(BYTES) + b'"}',
        b'{"rows":[' + b"{}," * 50_000 + b"{}]}",
        b"\x00" * 100,
        draw.randbytes(draw.randint(1, 2_000)),
        b'{"name":"' + b"x" * 200_000 + b'"}',
        b'{"events":[' + b"{}," * 2_000 + b"{}]}",
    )
    return _post(draw, key, draw.choice(bodies))


def wrong_values(draw: Draw, key: bytes) -> Attack:
    """JSON with values of other types and sizes than the routes take, also deep inside."""
    body = dict(draw.sample(list(RIGHT.items()), draw.randint(1, 6)))
    for name in draw.sample(sorted(body), draw.randint(1, len(body))):
        value = draw.choice(ODD)
        body[draw.choice([name, name, str(draw.choice(ODD))])] = draw.choice(
            [value, [value], {"user": value, "movie": value}, [{"user": value}]]
        )
    return _post(draw, key, json.dumps(body).encode())


def headers(draw: Draw, key: bytes) -> Attack:
    """Headers without measure: long, many, or of another form."""
    more = draw.choice(
        [(b"X: " + b"x" * size,) for size in (33_000, 100_000, 2**20)]
        + [tuple(b"x-%d: y" % number for number in range(count)) for count in (500, 5_000, 20_000)]
        + [(b"Cookie: " + b"a=b; " * 20_000,), (b"no colon",), (b": no name",), (b"X : y",), (b"X: a\r\n folded",), (b"X: \x00",)]
        + [
            (b"Content-Length: 1", b"Content-Length: 2"),
            (b"Content-Length: " + b"9" * 5_000,),
            (b"\xff\xfe: z",),
            (b"Expect: 100-continue",),
        ]
        + [
            (b"Transfer-Encoding: gzip, chunked",),
            (b"Upgrade: websocket", b"Connection: upgrade"),
            (b"Range: bytes=" + b"0-0," * 5_000 + b"0-0",),
        ]
        + [
            (b"Content-Encoding: gzip",),
            (b"Accept: " + b"*/*," * 3_000,),
            (b"Content-Type: " + draw.choice(BYTES),),
            (b"Idempotency-Key: \xff",),
        ]
        + [(b"If-Match: " + b'"1' * 50,), (b"traceparent: 00-" + b"z" * 32,), (b"Sticky-Key: " + draw.choice(BYTES) * 9,)]
    )
    return Attack(request(b"POST", draw.choice(ROUTES).encode(), key, b"{}", more))


def names(draw: Draw, key: bytes) -> Attack:
    """NUL, control characters, lone surrogates and bytes that are no UTF-8 where a name, an id or a query stands."""
    odd = draw.choice(
        [b"%00", b"a%00b", b"%ff", b"%ed%a0%80", b"%c0%af", b"%0d%0aX:%20y", b"%1b[31m", b"%e2%80%ae", b"%", b"%zz", b"%25%30%30"]
    )
    odd = draw.choice([odd, odd * 50, b"films" + odd])
    return Attack(request(draw.choice([b"GET", b"GET", b"DELETE", b"PUT"]), draw.choice(GET).encode().replace(b"{}", odd), key))


def paths(draw: Draw, key: bytes) -> Attack:
    """Paths that climb, name another host, or go on for ever."""
    climbing = draw.choice([b"../", b"..%2f", b"%2e%2e/", b"%2e%2e%2f", b"..%5c", b"....//", b"..;/", b"%252e%252e%252f"]) * draw.randint(
        1, 12
    )
    targets = [
        b"/" + climbing + b"etc/passwd",
        b"/v1/models/" + climbing + b"keys",
        b"/docs/" + climbing,
        b"/static/" + climbing,
        b"//" + climbing,
    ]
    targets += [
        b"http://elsewhere.example/v1/models",
        b"http://[::1",
        b"*",
        b"/v1/" + b"a/" * 5_000,
        b"/v1/models/" + b"a" * 20_000,
        b"/?" + b"a=b&" * 5_000,
    ]
    targets += [b"/v1/models/x/versions/" + number for number in (b"0", b"-1", b"1e3", b"9" * 400, b"+1", b"1.0", b"NaN", b"%31")]
    return Attack(request(draw.choice([b"GET", b"POST", b"OPTIONS", b"HEAD", b"TRACE"]), draw.choice(targets), key, json_body=False))


def forged(draw: Draw, key: bytes) -> Attack:
    """Addresses, hosts, origins and schemes that somebody made up."""
    addresses = (
        b"127.0.0.1",
        b"::1",
        b"[::1",
        b"a" * 10_000,
        b"1.2.3.4, " * 500,
        b"\xff",
        b"'",
        b"unknown",
        b"0x7f000001",
        b"127.0.0.1:99999",
    )
    kinds = (
        b"X-Forwarded-For",
        b"X-Forwarded-Host",
        b"X-Forwarded-Proto",
        b"Forwarded",
        b"X-Real-IP",
        b"Origin",
        b"Referer",
        b"Host",
        b"X-HTTP-Method-Override",
    )
    more = tuple(
        b"%s: %s" % (draw.choice(kinds), draw.choice([*addresses, b"http://[::1", b"null", b"//"])) for _ in range(draw.randint(1, 4))
    )
    return Attack(request(b"GET", draw.choice([b"/v1/models", b"/readyz", b"/v1/keys"]), draw.choice([key, b"wrong"]), more=more))


def wrong_keys(draw: Draw, key: bytes) -> Attack:
    """Keys and tokens that open nothing, some of which look as if they did."""
    token = b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwidGVuYW50IjoiYiIsImV4cCI6MWUzMDh9."
    wrong = [
        key[:-1],
        key + b"a",
        key[::-1],
        key.swapcase(),
        b"",
        b" " * 50,
        token,
        token * 100,
        b"\xff" * 20,
        b"a.b.c",
        b"null",
        key[: len(key) // 2],
    ]
    return Attack(request(b"POST", draw.choice(ROUTES).encode(), draw.choice([w for w in wrong if w != key]), b"{}"))


def framing(draw: Draw, key: bytes) -> Attack:
    """What is no HTTP, or says its length wrongly."""
    head = b"POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\n" % (draw.choice(ROUTES).encode(), key)
    chunked = head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return Attack(
        draw.choice(
            [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + draw.randbytes(200) + b"\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"GET /\r\n\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"get / http/1.1\r\n\r\n",
                b"\r\n" * 500 + b"GET / HTTP/1.1\r\n\r\n",
                draw.randbytes(500) + b"\r\n\r\n",
                head + b"Content-Length: -1\r\n\r\n{}",
                head + b"Content-Length: 0x10\r\n\r\n{}",
                head + b"Content-Length: " + b"9" * 25 + b"\r\n\r\n{}",
                head + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                chunked + b"zz\r\n{}\r\n0\r\n\r\n",
                chunked + b"-2\r\n{}\r\n0\r\n\r\n",
                chunked + b"ffffffffffffffffff\r\n{}",
                chunked + b"2\r\n{}\r\n0\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
                chunked + b"2;a=" + b"b" * 50_000 + b"\r\n{}\r\n0\r\n\r\n",
                head + b"Content-Length: 2\r\n\r\n{}GET /v1/keys HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 200,
            ]
        )
    )


def cut_off(draw: Draw, key: bytes, path: bytes) -> Attack:
    """A request, or an upload to `path`, that ends anywhere, or whose answer nobody reads."""
    table = b"click,user\n" + b"1,ada\n" * draw.randint(10, 20_000)
    whole = draw.choice(
        [
            request(b"PUT", path, key, table, (b"Content-Type: text/csv",), json_body=False),
            request(b"POST", draw.choice(ROUTES).encode(), key, json.dumps(dict(RIGHT)).encode()),
            request(b"GET", b"/openapi.json", key),
        ]
    )
    return Attack(whole[: draw.randint(1, len(whole) - 1 if whole.startswith(b"PUT") else len(whole))], leaves=True)


def kinds(path: bytes) -> Mapping[str, Callable[[Draw, bytes], Attack]]:
    """The kinds of attacks; `path` takes uploads."""
    return {
        "body that is no JSON": broken_json,
        "JSON of other types and sizes": wrong_values,
        "headers without measure": headers,
        "NUL, control characters, surrogates in names": names,
        "paths that climb or never end": paths,
        "forged addresses, hosts, origins": forged,
        "wrong keys": wrong_keys,
        "broken framing": framing,
        "requests and uploads cut off": partial(cut_off, path=path),
    }
