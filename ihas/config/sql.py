"""Settings `data.sql`: a query of a database, in the place of a file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator

from ihas.config.base import Config, invalid


class SqlConfig(Config):
    """A query whose rows are the table. Its URL is shown nowhere, and never written."""

    url: SecretStr
    """URL of the database: `sqlite:///shop.db`, or `postgresql://reader@host/shop`; `$NAME` in it is the environment's, as in
    `postgresql://reader:$PASSWORD@host/shop`."""
    query: Annotated[str, Field(min_length=1)]
    """Query, such as `select * from clicks`. It is carried out once, in a transaction that only reads."""

    @field_validator("url", mode="before")
    @classmethod
    def _is_a_url(cls, url: Any) -> Any:
        text = url.get_secret_value() if isinstance(url, SecretStr) else url
        if not isinstance(text, str) or "://" not in text:
            raise invalid("`url` must be a URL such as 'sqlite:///shop.db' or 'postgresql://reader@host/shop'. Correct it.")
        return url
