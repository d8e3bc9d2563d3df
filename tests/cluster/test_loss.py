"""What is lost when parts of a cluster die: the files in flight, and nothing else."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from tests.support.http_server import Request

from .support import Bucket, DaskCluster, Field, command, environment, tree, wait_for, write_profile

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(400)]

ASSETS = 1500
_IN_FLIGHT = 80  # files: 16 connections, what was put and not yet reported there, and those of the store


def markers(store: Bucket) -> set[str]:
    """Return the names of the markers of runs."""
    return {key for key in store.keys("out") if ".mlhub-tui-run-" in key}


async def test_a_worker_a_client_and_a_scheduler_are_lost_and_the_bucket_is_that_of_a_single_machine(
    s3: str, store: Bucket, tmp_path: Path
) -> None:
    place = f"s3://{store.name}/out"
    with (
        Field(tmp_path, ASSETS, broken=("gone",), twins=3) as field,
        DaskCluster(tmp_path, environment(tmp_path / "workers", s3), 3) as cluster,
    ):
        write_profile(cluster.home, field.root_url)
        home, options = tmp_path / "client", ("--engine", "dask", "--scheduler", cluster.address)
        first = command(field, home, s3, place, *options)
        wait_for(lambda: field.fetched > ASSETS * 0.15, "the first files")
        cluster.workers.pop(0).kill()
        wait_for(lambda: field.fetched > ASSETS * 0.35, "files after the loss of a worker")
        first.kill()
        before, restarted = markers(store), threading.Event()

        def hold(_: Request) -> None:
            if field.fetched > ASSETS * 0.6:
                restarted.wait(60)  # else all could be there before the scheduler is gone

        field.before = hold
        second = command(field, home, s3, place, *options)
        wait_for(
            lambda: bool(markers(store) - before) and field.fetched > ASSETS * 0.6,
            "files, and the second client",
        )
        cluster.restart()
        field.before = None
        restarted.set()
        assert second.wait(120) == 1, second.log.read_text()  # of one file it is known that it is not there
        again = field.again
        alone = command(field, tmp_path / "alone-home", s3, str(tmp_path / "alone"))
        assert alone.wait(120) == 1, alone.log.read_text()
        assert field.again - again == len(field.asked)
    whole = {name: hashlib.md5(data).hexdigest() for name, data in tree(tmp_path / "alone").items()}
    assert store.sums("out") == whole
    assert again <= 3 * _IN_FLIGHT, again
    assert store.unfinished() == 0
