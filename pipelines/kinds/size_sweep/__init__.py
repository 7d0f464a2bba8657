"""Runs of the kind `size-sweep`: a transformer in several sizes, the law of its losses, and advice on the next size."""
