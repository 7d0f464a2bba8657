"""Sphinx's settings of the site of these pages: `make docs`. Nothing is fetched; the reference is written from the code as it is built."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / ".packages")]

from building.commands import command_lines  # noqa: E402
from building.error_tables import error_lines  # noqa: E402
from building.notebooks import notebook_lines  # noqa: E402
from building.operations import document, operation_lines  # noqa: E402
from building.python_names import name_lines  # noqa: E402
from building.root_files import PAGES, root_lines  # noqa: E402

from ihas.bundle.manifest import package_version  # noqa: E402

project = "iHAS"
author = "The iHAS maintainers"
release = version = package_version()
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
nitpicky = False  # types of other projects are named, not linked

html_theme = "furo"
html_title = f"iHAS {release}"
html_copy_source = False
html_show_sphinx = html_show_copyright = False
copybutton_prompt_text = "$ "

myst_heading_anchors = 4
myst_links_external_new_tab = False
default_role = "code"  # what stands between single backticks in a docstring
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring, napoleon_numpy_docstring = True, False

NOTEBOOKS = ("own-table", "next-item", "to-production", "reading-a-report")
GENERATED: Mapping[str, Callable[[], Iterable[str]]] = {
    "python": name_lines,
    "commands": command_lines,
    "operations": lambda: operation_lines(document()),
    "errors": error_lines,
    **{name.replace("-", "_"): partial(notebook_lines, f"{name}.ipynb") for name in NOTEBOOKS},
    **{Path(page).stem: partial(root_lines, file) for file, page in PAGES.items()},
}
"""What `<!-- generated: NAME -->` in a page stands for."""
MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
FOLDERS = re.compile(r"\]\(((?:\.\./|\w+/)*\w+/)\)")
FILES = re.compile(r"\]\((?:\.\./)+([A-Z]+\.md)\)")


def filled(app: Any, name: str, source: list[str]) -> None:
    """A page with its generated parts. What a repository shows and a site does not is led to its page: a folder to its index, a file of the
    repository's root to the page that holds it."""
    page = Path(app.env.doc2path(name)).parent
    source[0] = FILES.sub(lambda link: f"](/{PAGES[link[1]]})" if link[1] in PAGES else link[0], source[0])
    source[0] = FOLDERS.sub(lambda link: f"]({link[1]}index.md)" if (page / link[1] / "index.md").is_file() else link[0], source[0])
    if MARK.search(source[0]):
        app.env.note_reread()  # the code may have changed where the page has not
    source[0] = MARK.sub(lambda mark: "\n".join(GENERATED[mark[1]]()), source[0])


def setup(app: Any) -> None:
    """Sphinx calls it."""
    app.connect("source-read", filled)
