"""MovieLens-100K as one table of clicks in order of time: ratings joined with what is known of users and movies.

Of the MovieLens sets that come with complete times this is the one that `IHAS_DATA` holds; the ML-1M table there has none.
Label: rating of 4 or 5. Age in steps of five years, the first three letters of the zip code, year of release, genres by number.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

COLUMNS = ("user", "item", "age", "gender", "occupation", "zip", "year", "genres", "label", "time")
FIRST_GENRE, LIKED, YEARS = 5, 4, 5


def write_table(folder: Path, path: Path) -> Path:
    """Join the files of a folder and write a CSV file in order of time; its path.

    Args:
        folder: holds `u.data.gz`, `u.user.gz` and `u.item.gz`.
        path: file to write.
    """
    users = {cells[0]: cells for cells in _cells(folder / "u.user.gz", "|")}
    items = {cells[0]: _of_item(cells) for cells in _cells(folder / "u.item.gz", "|")}
    rows = [(int(time), user, item, int(rating) >= LIKED) for user, item, rating, time in _cells(folder / "u.data.gz", "\t")]
    rows.sort(key=lambda row: row[0])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for time, user, item, liked in rows:
            _, age, gender, occupation, code = users[user]
            writer.writerow((user, item, int(age) // YEARS, gender, occupation, code[:3], *items[item], int(liked), time))
    return path


def _of_item(cells: list[str]) -> tuple[str, str]:
    """Year of release and genres of a movie."""
    genres = [str(number) for number, mark in enumerate(cells[FIRST_GENRE:]) if mark == "1"]
    return cells[2][-4:], "|".join(genres)


def _cells(path: Path, delimiter: str) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="latin-1") as lines:
        for line in lines:
            yield line.rstrip("\n").split(delimiter)
