"""A ladder of sequential transformers, the law of its losses, and advice on the next size."""
