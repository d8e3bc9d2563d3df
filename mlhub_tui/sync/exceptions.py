"""The errors of the Python API: one family under `MLHubException`."""

from ..errors import (
    APIKeyNotFound,
    AuthenticationError,
    EntityDoesNotExist,
    HTTPError,
    MLHubException,
)

__all__ = ["APIKeyNotFound", "AuthenticationError", "EntityDoesNotExist", "HTTPError", "MLHubException"]
