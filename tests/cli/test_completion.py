"""Shell completion: the scripts, and the words that a shell gets for what was typed so far."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlhub_tui.auth import ProfilesFile
from mlhub_tui.models import Search
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.saved_searches import SavedSearch, SavedSearches

from .conftest import Command, Run

LABELS = "ref_african_crops_kenya_02_labels"
ITEM = "ref_african_crops_kenya_02_tile_0"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed_and_its_syntax_is_right(run: Run, shell: str) -> None:
    script = run("completion", shell).stdout
    assert f"_MLHUB_TUI_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=60)


def test_fish_shows_words_and_descriptions_that_have_commas(run: Run, tmp_path: Path) -> None:
    script = run("completion", "fish").stdout
    assert 'string split --max 1 ","' in script
    if shutil.which("fish"):
        command = f'{script}\ncomplete -C "mlhub-tui sourc"'
        place = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(["fish", "-c", command], env=place, capture_output=True, text=True, timeout=60)
        assert done.stdout == "sources\tAdd, list, remove and test sources.\n"


def test_another_shell_is_refused_with_those_there_are(run: Run) -> None:
    result = run("completion", "csh", code=2)
    assert "'bash', 'zsh', 'fish'" in result.stderr


COMPLETED: dict[str, set[str]] = {
    "mlhub-tui comp": {"completion"},
    "mlhub-tui --profile t": {"team"},
    "mlhub-tui list datasets --profile d": {"default"},
    "mlhub-tui --source plan": {"planetary-computer"},
    "mlhub-tui --source te": {"team"},
    "mlhub-tui sources remove t": {"team"},
    "mlhub-tui search earth": {"earth-search"},
    "mlhub-tui search --saved f": {"fields of kenya"},
    "mlhub-tui search --forget f": {"fields of kenya"},
    "mlhub-tui show dataset ref_african_crops_kenya_0": {f"ref_african_crops_kenya_0{n}" for n in (1, 2)},
    "mlhub-tui download dataset ref_african_crops_kenya_02": {"ref_african_crops_kenya_02"},
    "mlhub-tui list items ref_african_crops_kenya_02_l": {"ref_african_crops_kenya_02_labels"},
    f"mlhub-tui show item {LABELS} ": {f"ref_african_crops_kenya_02_tile_0{n}_label" for n in (0, 1)},
    f"mlhub-tui download item {LABELS} ref_african_crops_kenya_02_tile_01": {f"{ITEM}1_label"},
    "mlhub-tui --sample show model model-cyclone": {"model-cyclone-wind-estimation-torchgeo-v1"},
    f"mlhub-tui --sample show item {LABELS} {ITEM}5": {f"{ITEM}5{n}_label" for n in ""},
    "mlhub-tui download ref_african_crops_kenya_02_s": {"ref_african_crops_kenya_02_source"},
    "mlhub-tui queue add --dataset ref_african_crops_kenya_02": {"ref_african_crops_kenya_02"},
    "mlhub-tui search -c ref_african_crops_kenya_02_l": {"ref_african_crops_kenya_02_labels"},
    "mlhub-tui --theme mlhub-l": {"mlhub-light"},
    "mlhub-tui --sample list items umd_mali_crop_type_s": {"umd_mali_crop_type_source"},
    "mlhub-tui queue pause ": {"1", "2"},
    "mlhub-tui queue pause 1 ": {"2"},
    "mlhub-tui queue log ": {"1", "2"},
    "mlhub-tui --source nosuch show dataset ref": set(),
    "mlhub-tui download i": {"item"},
}


def test_a_word_is_completed_to_what_the_program_knows(
    on_sample: SampleServer, run: Run, command: Command, tmp_path: Path
) -> None:
    file = ProfilesFile.load()
    file.save("default", api_key="k")
    file.save("team", api_key="k")
    SavedSearches().put(SavedSearch("fields of kenya", "sample", Search()))
    assert run("list", "datasets", "--text", "kenya").exit_code == 0
    assert run("list", "items", LABELS, "--page-size", "2", "--limit", "2").exit_code == 0
    for name in ("ref_african_crops_kenya_02_labels", "ref_african_crops_kenya_02_source"):
        assert run("queue", "add", name, "--output-dir", tmp_path).exit_code == 0

    def typed(line: str) -> dict[str, str]:
        count = len(line.split()) - (not line.endswith(" "))
        return {"_MLHUB_TUI_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(count)}

    def words(printed: str) -> set[str]:
        return {each.partition(",")[2] for each in printed.splitlines() if each}

    results = {line: run(env=typed(line)) for line in COMPLETED}
    assert {line: words(result.stdout) for line, result in results.items()} == COMPLETED
    assert not any(result.stderr for result in results.values())
    line = "mlhub-tui sources remove t"
    done = command(**typed(line))
    assert (words(done.stdout), done.stderr) == (COMPLETED[line], "")
