"""The dashboard: a page and its scripts, which ask the public API and nothing else."""
