"""The blocking Python API, under the names of radiant_mlhub: `import mlhub_tui.sync as radiant_mlhub`.

Each call runs in an event loop in the background, so that it works in scripts, threads and notebooks alike.
"""

from ..version import __version__ as __version__
from . import client as client
from . import exceptions as exceptions
from . import if_exists as if_exists
from . import models as models
from . import session as session
from .client import *  # noqa: F403 - as at the top of the package, where the async functions are
from .if_exists import DownloadIfExistsOpts as DownloadIfExistsOpts
from .models import Collection as Collection
from .models import Dataset as Dataset
from .models import MLModel as MLModel
from .session import get_session as get_session
