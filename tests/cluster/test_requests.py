"""Requests with a cluster or a URL: what may be asked for, and how the queue keeps it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlhub_tui import output
from mlhub_tui.errors import OutputFolderError
from mlhub_tui.options import ClusterConfig
from mlhub_tui.planning.requests import DatasetRequest, dataset_request
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.queue.repository import JobRepository

CLUSTER = ClusterConfig("tcp://127.0.0.1:8786", connections=8)


def wish(url: str, cluster: ClusterConfig | None = CLUSTER, assets: Path | None = None) -> DatasetRequest:
    return dataset_request(
        "crops", Path("out"), source="http://127.0.0.1/", url=url, cluster=cluster, assets=assets
    )


def test_a_url_is_kept_apart_from_the_folder_this_machine_needs(mlhub_home: Path) -> None:
    made = wish("S3://bucket/some/folder/")
    assert made.url == made.place == "s3://bucket/some/folder"
    assert made.asset_place == "s3://bucket/some/folder/crops"
    assert made.folder.is_relative_to(mlhub_home)
    assert Job(1, made, made.name, JobState.QUEUED, 0).place == "s3://bucket/some/folder/crops"
    assert wish("s3://bucket/other").folder != made.folder


def test_a_folder_is_its_own_place(tmp_path: Path) -> None:
    made = dataset_request("crops", tmp_path, source="http://127.0.0.1/", cluster=CLUSTER)
    assert (made.url, made.place, made.asset_place) == ("", str(tmp_path), str(tmp_path / "crops"))
    assert wish(tmp_path.as_uri()).folder == tmp_path
    assert not wish(tmp_path.as_uri()).url


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAKEY:hunter22secret@bucket/x",
        "s3://bucket/x?token=hunter22secret",
        "https://account.blob.core.windows.net/c?sig=hunter22secret",
        "sftp://me:hunter22secret@host/x",
        "s3://bucket/x#hunter22secret",
        "simplecache::s3://bucket/hunter22secret",
        "s3://bucket/../hunter22secret",
        "http://127.0.0.1/hunter22secret",
        "s3:///hunter22secret",
    ],
)
def test_a_url_that_holds_a_secret_or_cannot_be_written_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(OutputFolderError) as caught:
        wish(url)
    assert "hunter22secret" not in caught.value.message + caught.value.hint
    assert caught.value.hint


def test_a_name_of_a_user_or_a_container_is_no_secret() -> None:
    for url in ("sftp://me@host/folder", "abfs://container@account.dfs.core.windows.net/x"):
        assert wish(url).url == url


def test_a_url_needs_a_cluster_and_has_no_folder_of_assets(tmp_path: Path) -> None:
    with pytest.raises(OutputFolderError, match="workers of a cluster") as caught:
        wish("s3://bucket", cluster=None)
    assert "--engine dask" in caught.value.hint
    with pytest.raises(OutputFolderError, match="no folder of their own"):
        wish("s3://bucket", assets=tmp_path)


@pytest.mark.parametrize("text", ["folder", "/a/b", "~/x", "C:\\data", "C:/data", "a:b"])
def test_paths_are_no_urls(text: str) -> None:
    assert not output.is_url(text)


def test_the_queue_keeps_cluster_and_url_and_reads_rows_of_earlier_versions() -> None:
    made = wish("s3://bucket/folder")
    shared = {
        name: getattr(made, name)
        for name in ("source", "profile", "dataset_id", "folder", "if_exists", "title", "size")
    }
    assert DatasetRequest.from_text(made.to_text(), shared) == made
    old = json.loads(made.to_text())
    del old["cluster"], old["url"]
    read = DatasetRequest.from_text(json.dumps(old), shared)
    assert (read.cluster, read.url, read.request_id) == (None, "", made.request_id)


def test_a_wish_that_was_begun_goes_on_with_another_cluster(tmp_path: Path) -> None:
    database = Database(tmp_path / "queue.db")
    begun = wish("s3://bucket/folder")
    JobRepository(database).add([begun])
    with database.transaction() as db:
        db.execute("UPDATE jobs SET state = 'paused', runner = NULL")
    other = ClusterConfig("tcp://127.0.0.1:9999")
    again = JobRepository(database).add([wish("s3://bucket/folder", other)])[0].request
    assert isinstance(again, DatasetRequest)
    assert (again.cluster, again.request_id) == (other, begun.request_id)
    database.close()


def test_nothing_of_dask_is_loaded_where_no_cluster_is_asked_for() -> None:
    code = (
        "import sys, mlhub_tui.ui.app, mlhub_tui.cli.dataset_download, mlhub_tui.planning.dataset_job\n"
        "from mlhub_tui import cluster as needed\n"
        "assert needed.installed()\n"
        "print([name for name in ('distributed', 'dask', 'fsspec', 's3fs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
