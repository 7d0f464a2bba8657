"""The pages of tasks, run: a real service with a model of two versions, a run folder, and the files that the pages name."""

from __future__ import annotations

import csv
import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ihas_pipelines.kinds.recipe_file import read_recipe
from tests.blocks import Block, blocks_of, commands, shell_text
from tests.paths import ROOT
from tests.service.session_page import Session, Step, session

pytestmark = pytest.mark.full

HOWTO = ROOT / "docs" / "howto"
RUN = (
    "resume", "labels", "positives-only", "weights", "numbers", "timestamps", "folders", "query", "columns", "members", "another-point",
    "explain", "cold", "filters", "known-users", "exclude-seen", "batch", "roll-back", "canary", "explore", "weekly", "seeds", "limits",
    "retention",
)  # fmt: skip
"""Pages whose shell blocks are run here, in this order."""
ELSEWHERE = re.compile(
    r"^(?:pip|tar|docker|python)\b|ihas (?:study|serve|worker|up|model off-policy)\b|\brm (?:SEARCH|DATASET)|IHAS_DATABASE_URL", re.M
)
"""Blocks with these are not run: they install, take hours or a week of answers, serve, or delete what other pages need."""
QUICK = """
[learning.training]
embedding_dim = 4
batch_size = 512
learning_rate = 0.02
embedding_l2 = 1e-4
epochs = 2

[learning]
members = { counts = [], larger = [] }
distil = { members = 0 }
search = { epochs = 1 }
cluster = { num_groups = [2], on = ["masked"], thresholds = [0.5] }
retrain = { epochs = 1 }
evaluate = { controls = false }
"""
COLUMNS = 'label = "click"\nitem_id = "item"\nuser_id = "user"\nuser = ["town"]\n'


def _rows(number: int) -> Iterator[dict[str, object]]:
    draw = random.Random(number)
    for row in range(number):
        user, item = draw.randrange(40), draw.randrange(20)
        likely = 0.6 if user % 2 == item % 2 else 0.15
        yield {
            "user": str(user), "town": ("Bonn", "Kiel")[user % 2], "item": f"i{item}", "genre": ("film", "book")[item % 2],
            "price": round(draw.uniform(3, 30), 2), "at": 1_793_500_000 + 60 * row, "click": int(draw.random() < likely),
        }  # fmt: skip


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _files(folder: Path) -> None:
    """Every file that the pages name."""
    rows = list(_rows(1_500))
    _write(folder / "clicks.csv", rows)
    _write(folder / "this-week.csv", list(_rows(300)))
    _write(folder / "weighted.csv", [row | {"importance": 1 + number % 3} for number, row in enumerate(rows)])
    _write(folder / "ratings.csv", [{"user": row["user"], "item": row["item"], "rating": 1 + 4 * int(str(row["click"]))} for row in rows])
    _write(folder / "taken.csv", [{"user": row["user"], "item": row["item"]} for row in rows if row["click"]])
    _write(folder / "rows.csv", [{name: row[name] for name in ("user", "town", "item", "genre", "price", "at")} for row in rows[:40]])
    _write(folder / "contexts.csv", [{"user": str(user), "town": "Kiel"} for user in range(5)])
    for day in (28, 29, 30):
        _write(folder / "days" / f"day=2026-11-{day}" / "part.csv", rows[day * 40 : day * 40 + 200])
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.execute("create table shown (user text, item text, click integer)")
        database.executemany("insert into shown values (?, ?, ?)", [(row["user"], row["item"], row["click"]) for row in rows])
    (folder / "users.jsonl").write_text('{"user": "7", "fields": {"town": "Kiel"}}\n', encoding="utf-8")
    columns = "".join(f"{line}\n" for line in COLUMNS.splitlines())
    (folder / "shop-columns.toml").write_text(columns, encoding="utf-8")
    (folder / "shop.toml").write_text(f'name = "shop"\n[data]\npath = "clicks.csv"\n[data.columns]\n{columns}{QUICK}', encoding="utf-8")


def _begin(own: Session, folder: Path) -> None:
    """A service with a data set, and a model of two versions of which the first serves; their ids stand for the names of the pages."""
    own.run(Step("export IHAS_URL=http://127.0.0.1:8000", ""))
    own.run(Step("ihas up --folder service --port 8000 &", ""))
    dataset = _document(own, "ihas dataset push clicks.csv --columns shop-columns.toml --output json")["id"]
    searched = [
        _document(own, f"ihas search run {dataset} --name shop --recipe shop.toml --set learning.seed={seed} --output json")["id"]
        for seed in (0, 1)
    ]
    own.run(Step("ihas model promote shop 1", ""))
    people = _document(own, "ihas dataset push contexts.csv --unlabelled --output json")["id"]
    own.names |= {"PEOPLE": people, "DATASET": dataset, "SEARCH": searched[0], "OTHER": searched[1]}
    own.names |= {"this-week.parquet": "this-week.csv"}


def _document(own: Session, command: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(own.run(Step(command, "")).output.splitlines()[-1])
    return found


def _prepare(block: Block, folder: Path) -> None:
    """A block of TOML that names its file is that file."""
    if named := re.match(r"# ([\w-]+\.toml)", block.text):
        (folder / named[1]).write_text(block.text, encoding="utf-8")


def _run(own: Session, block: Block, folder: Path) -> None:
    """Carry out a block; of a search that no other page needs only the recipe is read, with its table."""
    text = shell_text(block)
    for words in commands(text):
        if words[:2] == ["ihas", "search"] and words[2].endswith(".toml") and words[2] != "shop.toml":
            recipe = read_recipe(folder / words[2])
            assert recipe.name == Path(words[-1]).name
            text = text.replace(" ".join(words), "true")
    own.run(Step(f"set -e\n{text}", ""))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_pages_of_tasks_run(tmp_path: Path) -> None:
    """Every command of these pages ends well, in order, against a real service; what it names is there."""
    _files(tmp_path)
    with session(tmp_path) as own:
        _begin(own, tmp_path)
        for name in RUN:
            for block in blocks_of(HOWTO / f"{name}.md"):
                if block.language == "toml":
                    _prepare(block, tmp_path)
                elif block.language == "sh" and not ELSEWHERE.search(block.text):
                    _run(own, block, tmp_path)
    assert (tmp_path / "runs" / "shop" / "report.html").is_file()
    assert (tmp_path / "scored.parquet").is_file()


def test_every_page_of_tasks_is_run_or_known_not_to_be() -> None:
    """A new page is put into one of the two lists."""
    not_run = {
        "index", "backup", "benchmark-plan", "budget", "delete-a-user", "gpu", "kafka", "keys", "migrate", "monitoring", "offline",
        "openid", "postgresql-and-s3", "predict-a-number", "remote-dashboard", "replicas", "report", "scikit-learn", "several-goals",
        "several-machines", "tls", "troubleshooting",
    }  # fmt: skip
    assert {page.stem for page in HOWTO.glob("*.md")} == {*RUN, *not_run}
