"""The commands of `python -m ihas_pipelines`; `ihas study` and `ihas bench` are the same ones."""
