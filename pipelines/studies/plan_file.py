"""A TOML file as a document, every fault of it as one kind of error."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ihas.errors import ConfigError
from ihas_pipelines.runs.faults import faults


@contextmanager
def document_of(path: Path, what: str) -> Iterator[dict[str, Any]]:
    """The file's document, to be validated within; `what` it is called in messages.

    Raises:
        ConfigError: no such file, not TOML, or what is validated is invalid.
    """
    try:
        yield tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The {what} must be a readable file, but {path} is not ({error.strerror}). Name another one.") from error
    except ValidationError as error:
        raise ConfigError(f"{path} is not a valid {what}. {faults(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The {what} must be TOML, but {path} is not: {error}.") from error


def beside(path: Path, named: str) -> Path:
    """A path named in a file: relative to the file's folder, with `$NAME` from the environment."""
    return path.resolve().parent / os.path.expandvars(named)
