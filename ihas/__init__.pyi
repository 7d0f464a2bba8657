from ihas.errors import BudgetError as BudgetError
from ihas.errors import BundleError as BundleError
from ihas.errors import ConfigError as ConfigError
from ihas.errors import DataError as DataError
from ihas.errors import IhasError as IhasError
from ihas.errors import RequestError as RequestError
from ihas.errors import TrainingError as TrainingError
from ihas_service.client.client import AsyncClient as AsyncClient
from ihas_service.client.client import Client as Client
from ihas_service.python.deriving import combine as combine
from ihas_service.python.deriving import refresh as refresh
from ihas_service.python.estimator import ClickClassifier as ClickClassifier
from ihas_service.python.fitting import fit as fit
from ihas_service.python.fitting import fit_sequences as fit_sequences
from ihas_service.python.model import Model as Model
from ihas_service.python.model import load as load
from ihas_service.python.tables import Query as Query

NAMES: dict[str, str]
__version__: str
