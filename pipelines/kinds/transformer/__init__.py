"""Runs of the kind `transformer`."""
