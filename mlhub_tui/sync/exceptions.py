"""The errors of the Python API: one family under `MLHubException`."""

from ..errors import APIKeyNotFound as APIKeyNotFound
from ..errors import AuthenticationError as AuthenticationError
from ..errors import EntityDoesNotExist as EntityDoesNotExist
from ..errors import HTTPError as HTTPError
from ..errors import MLHubException as MLHubException
