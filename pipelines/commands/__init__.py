"""The commands of `python -m pipelines`; `ihas study` and `ihas bench` are the same ones."""
