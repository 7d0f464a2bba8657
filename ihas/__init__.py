"""iHAS: right-sized recommenders. `ihas.fit` a table of clicks, `ihas.load` a bundle, `ihas.Client` a service.

Each name is looked up where it is first used (PEP 562), by the table below: the library itself stays below `pipelines` and `service`, which
carry out what the names do, and importing `ihas` imports nothing else. `__init__.pyi` gives the names their types.
"""

from importlib import import_module

NAMES = {
    "fit": "ihas_service.python.fitting:fit",
    "fit_sequences": "ihas_service.python.fitting:fit_sequences",
    "refresh": "ihas_service.python.deriving:refresh",
    "combine": "ihas_service.python.deriving:combine",
    "load": "ihas_service.python.model:load",
    "Model": "ihas_service.python.model:Model",
    "Query": "ihas_service.python.tables:Query",
    "ClickClassifier": "ihas_service.python.estimator:ClickClassifier",
    "Client": "ihas_service.client.client:Client",
    "AsyncClient": "ihas_service.client.client:AsyncClient",
    "IhasError": "ihas.errors:IhasError",
    "ConfigError": "ihas.errors:ConfigError",
    "DataError": "ihas.errors:DataError",
    "RequestError": "ihas.errors:RequestError",
    "TrainingError": "ihas.errors:TrainingError",
    "BudgetError": "ihas.errors:BudgetError",
    "BundleError": "ihas.errors:BundleError",
}
"""Module and name of what each public name stands for."""

__all__ = list(NAMES)  # noqa: PLE0604


def __getattr__(name: str) -> object:
    """A public name, or the installed version."""
    if name == "__version__":
        return import_module("ihas.bundle.manifest").package_version()
    if name not in NAMES:
        raise AttributeError(f"module 'ihas' has no attribute {name!r}; it has {', '.join(NAMES)}")
    module, _, member = NAMES[name].partition(":")
    found = globals()[name] = getattr(import_module(module), member)
    return found


def __dir__() -> list[str]:
    """The public names first of all."""
    return sorted({*NAMES, *globals(), "__version__"})
