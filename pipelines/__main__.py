"""`python -m ihas_pipelines`: what the worker and the command line start as a child process, and research commands."""

from __future__ import annotations

import sys

from ihas_pipelines.commands.app import main

if __name__ == "__main__":
    sys.exit(main())
