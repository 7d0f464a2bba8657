"""Data set x backbone x seed x method: one table, resumable."""
