"""Tests of `pipelines.batch`."""
