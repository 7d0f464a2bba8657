"""The library as Python sees it: what the names of `ihas` stand for (docs/decisions/0065-names-of-ihas-are-looked-up.md)."""
