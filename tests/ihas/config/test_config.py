"""Settings say what they mean."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig
from ihas.config.learning import LearningConfig
from ihas.config.split import SplitConfig


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"seed": True}, "`seed` must be a number, but got True"),
        ({"seed": "3"}, "`seed` must be a number, but got '3'"),
        ({"cluster": {"num_groups": [2, True]}}, "`num_groups` must be a number"),
        ({"evaluate": {"controls": 1}}, "`controls` must be true or false, but got 1"),
    ],
)
def test_a_number_is_written_as_one(settings: dict[str, object], said: str) -> None:
    """`true` is no 1, "3" is no 3, and 1 is no `true`; 3.0 is 3, as JSON has one kind of number."""
    with pytest.raises(ValidationError, match=said):
        LearningConfig.model_validate(settings)
    assert LearningConfig.model_validate({"seed": 3.0}).seed == 3


@pytest.mark.parametrize(
    ("settings", "place", "told"),
    [
        ({"serch": {}}, ("serch",), "There is no `serch` here. Did you mean `search`?"),
        ({"search": {"gaet": "full"}}, ("search", "gaet"), "There is no `gaet` here. Did you mean `gate`?"),
        ({"split": {"zzz": 1}}, ("split", "zzz"), "There is no `zzz` here. There are kind, valid_fraction, test_fraction, column, group."),
        (
            {"split": {"kind": "randon"}},
            ("split", "kind"),
            "`kind` must be 'random', 'time' or 'given', but got 'randon'. Did you mean `random`?",
        ),
        (
            {"split": {"kind": "given"}},
            ("split",),
            "`column` must be set exactly when `kind` is 'given', but got (kind='given', column=None).",
        ),
    ],
)
def test_mistakes_are_told_at_their_place_in_our_words(settings: dict[str, object], place: tuple[str, ...], told: str) -> None:
    """An unknown key or value has the nearest known one; no message begins with pydantic's words."""
    with pytest.raises(ValidationError) as caught:
        LearningConfig.model_validate(settings)
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert error["msg"].startswith(told)
    assert "pydantic" not in str(caught.value)


def test_all_mistakes_are_told_together() -> None:
    """One reading of a document tells every mistake, each once and with what was given."""
    with pytest.raises(ValidationError) as caught:
        LearningConfig.model_validate({"seed": -1, "search": {"gaet": 1, "gate": "ful", "epochs": 0}, "nothing": {}})
    errors = {".".join(map(str, error["loc"])): (error["type"], error["input"]) for error in caught.value.errors()}
    assert errors == {
        "seed": ("greater_than_equal", -1),
        "search.gaet": ("extra_forbidden", 1),
        "search.gate": ("unknown_name", "ful"),
        "search.epochs": ("greater_than_equal", 0),
        "nothing": ("extra_forbidden", {}),
    }
    assert caught.value.title == "LearningConfig"
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"valid_fraction": 0.6, "test_fraction": 0.5}, "`valid_fraction + test_fraction < 1` must hold"),
        ({"valid_fraction": "0.1"}, "`valid_fraction` must be a number, but got '0.1'"),
    ],
)
def test_a_group_read_by_itself_tells_in_our_words_too(settings: dict[str, object], told: str) -> None:
    """What several settings break together begins with the message, whether the group is the whole or a part."""
    for model, document in ((SplitConfig, settings), (LearningConfig, {"split": settings})):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(document)
        assert caught.value.errors()[0]["msg"].startswith(told)
    with pytest.raises(ValidationError):
        SplitConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "most", "told"), [("delimiter", 8, "1 to 8 characters"), ("escape", 1, "one character")], ids=["delimiter", "escape"]
)
def test_one_character_is_asked_for_where_one_is_wanted(setting: str, most: int, told: str) -> None:
    """A longer or an empty text is refused with what it is."""
    for value in (";" * (most + 1), ""):
        with pytest.raises(ValidationError, match=f"`{setting}` must be {told}, but got '{value}'"):
            DataConfig.model_validate({"path": "x.csv", setting: value})


def test_settings_that_are_not_stated_leave_the_keys_of_stages_alone() -> None:
    """What version 0.1.0 did not know is written down only where it is stated, so that its run folders are gone on with."""
    data = DataConfig.model_validate({"path": "x.csv"}).model_dump(mode="json")
    assert set(data) == {"path", "valid_path", "test_path", "format", "delimiter", "columns", "interactions"}
    assert "histories" not in data["columns"]
    stated = {"path": "x.csv", "quoting": False, "escape": "\\", "columns": {"histories": ["seen"]}}
    kept = DataConfig.model_validate(stated)
    assert DataConfig.model_validate(kept.model_dump(mode="json")) == kept
    assert kept.model_dump(mode="json")["quoting"] is False
