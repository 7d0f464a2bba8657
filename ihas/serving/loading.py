"""From a folder to a recommender that may serve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ihas.bundle.archive import read_usable
from ihas.bundle.compound import read_compound
from ihas.bundle.manifest import GROUPED, bundle_kind
from ihas.errors import BundleCorruptError, BundleError, BundleVersionError, ConfigError, IhasError
from ihas.extensions.modules import load_extensions
from ihas.sequential.transformer.archive import KIND, read_transformer
from ihas.serving.grouped.fallback import checked
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.next_item.transformer import TransformerRecommender
from ihas.serving.protocol import Recommender

COLD_START = "cold-start"
"""Kind of a bundle of two: a trained model, and an OverRec one as its cold-start model."""


def load_recommender(folder: Path) -> Recommender:
    """Read a bundle of any kind, verify every byte, and let it answer its golden rows, which also warms it up.

    Raises:
        BundleError: there is no bundle.
        BundleCorruptError: a file changed, the parts do not fit each other, or the golden rows score differently.
        BundleVersionError: written in a format that this version does not read.
    """
    _keep_freed_memory()
    if not folder.is_dir():
        raise BundleError(f"A bundle is a folder, but there is none at {folder}.")
    kind = bundle_kind(folder)
    if kind not in LOADERS:
        load_extensions()
    if kind not in LOADERS:
        known = ", ".join(map(repr, LOADERS))
        raise BundleVersionError(
            f"A bundle must be of a kind among {known}, but got {kind!r}. Serve it with the iHAS version that wrote it."
        )
    try:
        return LOADERS[kind](folder)
    except (IhasError, OSError, MemoryError, ImportError):
        raise
    except Exception as error:  # what no reader foresaw, such as arrays of other shapes than the parts before them say
        raise BundleCorruptError(f"The bundle cannot be used: {type(error).__name__}: {error}. Write it anew from its run.") from error


def load_grouped(folder: Path) -> GroupedRecommender:
    """A bundle of the kind `grouped`, as `load_recommender` loads it; the same errors.

    Groups whose own model is broken, or scores its golden rows differently, are served by the bundle's fallback where it has one.
    """
    _keep_freed_memory()
    return checked(*read_usable(folder))


def _overrec(folder: Path) -> Recommender:
    from ihas.sequential.overrec.archive import read_overrec
    from ihas.serving.next_item.overrec import OverRecRecommender  # compiles, which a service without such a model need not wait for

    return OverRecRecommender(read_overrec(folder))


def _transformer(folder: Path) -> Recommender:
    return TransformerRecommender(read_transformer(folder))


def _cold_start(folder: Path) -> Recommender:
    from ihas.serving.cold_start import ColdStartRecommender

    name, settings = read_compound(folder, COLD_START)
    if set(settings.parts) != {"model", "front"}:
        raise BundleCorruptError(f"A bundle of this kind must have the parts 'model' and 'front', but has {list(settings.parts)}.")
    model, front = (load_recommender(folder / part) for part in ("model", "front"))
    if front.cold_start is None:
        raise BundleCorruptError(f"The cold-start model must be of the kind 'overrec', but is a {type(front).__name__}.")
    return ColdStartRecommender(name, model, front.cold_start, str(settings.options.get("user_field")))


LOADERS: dict[str, Callable[[Path], Recommender]] = {
    GROUPED: load_grouped,
    "overrec": _overrec,
    COLD_START: _cold_start,
    KIND: _transformer,
}
"""What makes a recommender of a bundle, by the bundle's kind."""


def register_loader(kind: str, load: Callable[[Path], Recommender]) -> None:
    """Add what makes a recommender of bundles of a kind from outside iHAS.

    Raises:
        ConfigError: bundles of this kind have another loader.
    """
    if LOADERS.setdefault(kind, load) is not load:
        raise ConfigError(f"Bundles of a kind have one loader, but {kind!r} has another one already. Choose another name.")


def _keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next request instead of handing it back to the system.

    Freeing one large block raises glibc's thresholds to its size (mallopt(3), M_MMAP_THRESHOLD). Without this, page faults are
    a third of the time that 500 candidates take.
    """
    np.empty(24 * 2**20, np.uint8)
