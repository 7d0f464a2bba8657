"""MovieLens-100K as one table."""

from __future__ import annotations

import gzip
from pathlib import Path

from ihas_pipelines.studies.refresh.movielens import write_table


def _packed(path: Path, text: str) -> None:
    with gzip.open(path, "wt", encoding="latin-1") as file:
        file.write(text)


def test_ratings_are_joined_and_come_in_order_of_time(tmp_path: Path) -> None:
    """A row per rating, the oldest first, with what is known of its user and its movie; 4 and 5 are liked."""
    marks = "|".join("1" if number in (1, 3) else "0" for number in range(19))
    _packed(tmp_path / "u.user.gz", "1|24|M|technician|85711\n2|53|F|other|94043\n")
    _packed(tmp_path / "u.item.gz", f"7|Señor (1995)|01-Jan-1995||http://x|{marks}\n")
    _packed(tmp_path / "u.data.gz", "2\t7\t3\t200\n1\t7\t4\t100\n")

    assert write_table(tmp_path, tmp_path / "all.csv").read_text().splitlines() == [
        "user,item,age,gender,occupation,zip,year,genres,label,time",
        "1,7,4,M,technician,857,1995,1|3,1,100",
        "2,7,10,F,other,940,1995,1|3,0,200",
    ]
