"""The kind `grouped`."""
