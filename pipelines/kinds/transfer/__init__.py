"""Runs of the kind `transfer`."""
