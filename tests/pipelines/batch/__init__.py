"""Tests of `ihas_pipelines.batch`."""
