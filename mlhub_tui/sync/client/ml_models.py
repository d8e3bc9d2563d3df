"""Functions on machine-learning models: JSON as received."""

from ...api import requests
from ..loop import blocking

list_models = blocking(requests.list_models)
get_model_by_id = blocking(requests.get_model_by_id)
