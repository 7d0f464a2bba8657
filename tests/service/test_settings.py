"""Settings come from the environment, and say what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ihas_service.settings import Settings


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its name after `IHAS_`."""
    monkeypatch.setenv("IHAS_PORT", "9000")
    monkeypatch.setenv("IHAS_DATA_ROOTS", '["/data", "/more"]')

    assert (Settings().port, Settings().data_roots) == (9000, (Path("/data"), Path("/more")))


def test_without_a_database_there_is_a_file_in_the_folder(tmp_path: Path) -> None:
    """A URL that is given is kept."""
    assert Settings(folder=tmp_path).url == f"sqlite:///{tmp_path / 'ihas.db'}"
    assert Settings(database_url="postgresql+psycopg://db/ihas").url == "postgresql+psycopg://db/ihas"


def test_settings_never_change_and_refuse_nonsense() -> None:
    """A time of 0 s, an unknown name, an assignment."""
    with pytest.raises(ValidationError):
        Settings(lease_s=0)
    with pytest.raises(ValidationError):
        Settings.model_validate({"leese_s": 3})
    with pytest.raises(ValidationError):
        setattr(Settings(), "port", 1)  # noqa: B010 - mypy would refuse the assignment itself


def test_a_heartbeat_may_be_missed() -> None:
    """Half the lease is often enough, more is refused with both values."""
    assert Settings(lease_s=10, heartbeat_s=5).lease_s == 10
    with pytest.raises(ValidationError, match=r"`2 \* heartbeat_s <= lease_s` must hold, but got \(5\.1, 10\.0\)"):
        Settings(lease_s=10, heartbeat_s=5.1)


@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.annotation is float])
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_times_are_finite(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may take for ever."""
    monkeypatch.setenv(f"IHAS_{name.upper()}", value)
    with pytest.raises(ValidationError, match="finite"):
        Settings()


def test_every_setting_has_a_sentence() -> None:
    """Nobody has to guess what a setting means."""
    assert all(field.description for field in Settings.model_fields.values())
