"""Commands over times as people write them: they are read, and what cannot be read is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.test_ids import catalog
from tests.support.paged_api import PagedAPI, items

JUNE = {
    "usual": "2015-06-30T12:00:00Z",
    "leap": "2015-06-30T23:59:60Z",
    "leap and fraction": "2015-06-30T23:59:60.5Z",
    "midnight at the end of a day": "2015-05-31T24:00:00Z",
    "midnight in basic form": "20150531T2400",
    "small": "2015-06-30t12:00:00z",
    "both zones": "2015-06-30T12:00:00+00:00Z",
    "UTC": "2015-06-30 12:00:00 UTC",
    "UTC beside it": "2015-06-30T12:00:00UTC",
    "GMT": "2015-06-30 12:00:00 GMT",
    "postgres": "2015-06-30 12:00:00+00",
    "marked": "\ufeff2015-06-30T12:00:00Z",
    "spaces": " 2015-06-30T12:00:00 Z ",
    "fraction": "2015-06-30T12:00:00.123456789Z",
    "no zone": "2015-06-30T12:00:00",
    "no seconds": "2015-06-30T12:00Z",
    "elsewhere": "2015-07-01T01:00:00+02:00",
    "a day": "2015-06-30",
    "a day of Z": "2015-06-30Z",
    "basic": "20150630T120000Z",
    "a month": "2015-06",
    "a year": "2015",
    "a number": 2015,
    "an interval": "2015-06-01/2015-06-30",
}
NONE = {
    "word": "yesterday",
    "wrong": "2015-13-40T00:00:00Z",
    "empty": "",
    "null": None,
    "exif": "2015:06:30 12:00",
}


def features(times: dict[str, Any]) -> list[dict[str, Any]]:
    """Return items with times."""
    made = items(len(times), assets={"data": {"href": "https://data.example/a.tif"}})
    for item, (name, time) in zip(made, times.items(), strict=True):
        item.update(id=name.replace(" ", "-"), properties={"datetime": time})
    return made


@pytest.mark.parametrize("name", JUNE)
def test_a_time_is_found_by_its_month_and_shown(run: Run, tmp_path: Path, name: str) -> None:
    source = catalog(tmp_path, features({name: JUNE[name]}), how="list")
    inside = run("search", source, "-c", "c", "--datetime", "2015-06", "--json")
    assert [item["id"] for item in json.loads(inside.stdout)] == [name.replace(" ", "-")]
    assert "without a time" not in inside.stderr
    for outside in ("2014", "2016"):
        result = run("search", source, "-c", "c", "--datetime", outside, "--json")
        assert json.loads(result.stdout) == []
    plan = (
        "--source",
        source,
        "download",
        "dataset",
        "c",
        "--dry-run",
        "--json",
        "--output-dir",
        str(tmp_path),
    )
    for when, files in (("2015-06", 1), ("2014", 0)):
        result = run(*plan, "--datetime", when)
        assert json.loads(result.stdout)["files"] == files, result.output
        assert json.loads(result.stdout)["items_without_time"] == 0


@pytest.mark.parametrize("how", ["files", "list"])
def test_times_that_cannot_be_read_are_counted_in_each_answer_that_depends_on_them(
    run: Run, tmp_path: Path, how: str
) -> None:
    source = catalog(tmp_path, features({"usual": JUNE["usual"], **NONE}), how=how)
    when = ("--datetime", "2015")
    for form in ((), ("--csv",), ("--json",), ("--sort", "id")):
        result = run("search", source, "-c", "c", *when, *form)
        assert result.stderr.count("5 items without a time that can be read left out") == 1
        assert "exif" not in result.stdout
        assert "without a time" not in run("search", source, "-c", "c", *form).stderr
    plan = ("--source", source, "download", "dataset", "c", "--dry-run", "--output-dir", str(tmp_path))
    assert "5 items without a time that can be read: included" in run(*plan, *when).stderr
    assert "without a time" not in run(*plan).stderr


@pytest.mark.parametrize("single", [None, "NaT"])
def test_search_and_download_find_an_item_by_a_range_that_is_the_other_way_around(
    run: Run, tmp_path: Path, single: str | None
) -> None:
    [item] = features({"turned": single})
    item["properties"] |= {"start_datetime": "2016-02-01T00:00:00Z", "end_datetime": "2015-01-01T00:00:00Z"}
    source = catalog(tmp_path, [item], how="list")
    when = ("--datetime", "2015-06")
    assert run("search", source, "-c", "c", *when).stdout.split()[3:4] == ["turned"]
    planned = run("--source", source, "download", "dataset", "c", "--dry-run", "--json", *when)
    assert json.loads(planned.stdout)["files"] == 1
    assert json.loads(planned.stdout)["items_without_time"] == 0


def test_a_search_on_this_side_counts_over_all_pages(run: Run) -> None:
    made = [*features(NONE), *items(300), *features(NONE)]
    with PagedAPI(lambda *_: None, made, searches=()) as server:
        result = run("search", server.location, "-c", "c", "--datetime", "2020", "--csv")
    assert len(result.stdout.splitlines()) == 301
    assert result.stderr.count("10 items without a time that can be read left out") == 1


def test_items_are_sorted_by_the_moment_not_by_its_letters(run: Run, tmp_path: Path) -> None:
    times = {"c": "2015-06-30t11:00:00z", "a": "2015-06-30T12:00:00+02:00", "b": "2015-06-30 10:30:00 UTC"}
    source = catalog(tmp_path, features({**times, "d": "no time"}), how="list")
    result = run("search", source, "-c", "c", "--sort", "-datetime", "--json")
    assert [item["id"] for item in json.loads(result.stdout)] == ["c", "b", "a", "d"]
