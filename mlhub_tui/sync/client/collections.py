"""Functions on collections and their items: JSON as received."""

from ...api import requests
from ..loop import blocking, blocking_iterator

list_collections = blocking(requests.list_collections)
get_collection = blocking(requests.get_collection)
list_collection_items = blocking_iterator(requests.list_collection_items)
get_collection_item = blocking(requests.get_collection_item)
