"""Benchmarks of cost: systems under test run alternately on one machine; tables of medians and ratios."""
