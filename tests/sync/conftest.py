"""The sample catalog as the API that environment variables name, for each test of the blocking API."""

from tests.api.conftest import deployment as deployment
from tests.api.conftest import keyed as keyed
from tests.sample_fixtures import sample as sample
