"""The same dataset through a cluster and alone: what lies in the folder, or the bucket, is the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mlhub_tui.options import IfExists
from mlhub_tui.queue.job import JobState

from .runs import settle, wish
from .support import CROPS, Bucket, DaskCluster, Field, tree

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(120)]


async def test_a_folder_gets_what_a_single_machine_gives_it(
    cluster: DaskCluster, mlhub_home: Path, out: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 350, twins=5, broken=("gone",), paid=True) as field:  # what is paid for is left out
        job = await settle(field, mlhub_home, wish(field, out, cluster))
        assert (job.state, job.files_done, job.files_failed) == (JobState.FAILED, 355, 1)
        alone = await settle(field, mlhub_home, wish(field, tmp_path / "alone"))
    assert alone.files_done == 355
    assert tree(out) == tree(tmp_path / "alone")
    assert field.again == len(field.asked)  # once for each of the two


async def test_a_bucket_gets_what_a_single_machine_gives_a_folder(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path
) -> None:
    noise = random.Random(7)
    large = {"large": noise.randbytes(21 << 20), "medium": noise.randbytes(3 << 20), "empty": b""}
    with Field(tmp_path, 250, twins=5, broken=("gone",), more=large) as field:
        job = await settle(field, mlhub_home, wish(field, f"s3://{store.name}/out", cluster))
        assert (job.state, job.files_done, job.files_failed) == (JobState.FAILED, 258, 1), job
        assert field.again <= 32, "what was on its way to a worker that seemed lost"
        alone = await settle(field, mlhub_home, wish(field, tmp_path / "alone"))
    assert alone.files_done == 258
    assert store.tree("out") == tree(tmp_path / "alone")
    assert store.unfinished() == 0
    assert job.place == f"s3://{store.name}/out/{CROPS}"


@pytest.mark.parametrize("if_exists", [IfExists.RESUME, IfExists.SKIP, IfExists.OVERWRITE])
async def test_what_is_in_the_bucket_is_judged_as_on_a_disk(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path, if_exists: IfExists
) -> None:
    with Field(tmp_path, 40, size=100) as field:
        same, other = "fields/i0000/k00.tif", "fields/i0000/k01.tif"
        there = b"x" * len(field.contents[same])
        store.client.put_object(Bucket=store.name, Key=f"out/{CROPS}/{same}", Body=there)
        store.client.put_object(Bucket=store.name, Key=f"out/{CROPS}/{other}", Body=b"short")
        request = wish(field, f"s3://{store.name}/out", cluster, if_exists=if_exists)
        job = await settle(field, mlhub_home, request)
    found = store.tree(f"out/{CROPS}")
    kept = if_exists is not IfExists.OVERWRITE
    assert found[same] == (there if kept else field.contents[same])
    if if_exists is IfExists.RESUME:
        assert (job.state, job.files_failed) == (JobState.FAILED, 1)
        assert b"another file k01.tif is there" in found["err_report.csv"]
    else:
        assert job.state is JobState.DONE, job
        assert found[other] == (b"short" if kept else field.contents[other])
