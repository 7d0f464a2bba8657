"""Many rows answered by a model: read in blocks, written with what was in their columns."""
