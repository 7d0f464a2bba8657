"""Ways of keeping a model fresh, compared over time: `ihas study refresh`."""
