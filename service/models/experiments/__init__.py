"""Comparison of versions on the traffic that they serve."""
