"""Modal screens, a dialog or a few of one subject in each module; each is imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import lazy

if TYPE_CHECKING:
    from .archive_dialog import DownloadScreen as DownloadScreen
    from .asset_dialog import AssetsScreen as AssetsScreen
    from .dataset_dialog import ARCHIVES as ARCHIVES
    from .dataset_dialog import ASSETS as ASSETS
    from .dataset_dialog import DatasetScreen as DatasetScreen
    from .export_dialog import ExportScreen as ExportScreen
    from .goto import FacetScreen as FacetScreen
    from .goto import GotoScreen as GotoScreen
    from .help import CommandProvider as CommandProvider
    from .help import HelpScreen as HelpScreen
    from .help import Palette as Palette
    from .help import offered as offered
    from .help import run_entry as run_entry
    from .help import sections as sections
    from .job_dialog import DatasetJobScreen as DatasetJobScreen
    from .job_dialog import JobLogScreen as JobLogScreen
    from .job_dialog import JobScreen as JobScreen
    from .job_dialog import LimitsScreen as LimitsScreen
    from .manual import ManualScreen as ManualScreen
    from .manual import MessageLogScreen as MessageLogScreen
    from .questions import ListScreen as ListScreen
    from .questions import ProgressScreen as ProgressScreen
    from .questions import cancel_question as cancel_question
    from .questions import choose as choose
    from .questions import confirm as confirm
    from .questions import leave_question as leave_question
    from .search_dialog import SaveScreen as SaveScreen
    from .search_dialog import SearchForm as SearchForm
    from .settings_dialog import AUTO as AUTO
    from .settings_dialog import SettingsScreen as SettingsScreen
    from .settings_dialog import ThemeScreen as ThemeScreen
    from .source_form import SourceForm as SourceForm
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "archive_dialog": "DownloadScreen",
            "asset_dialog": "AssetsScreen",
            "dataset_dialog": "ARCHIVES ASSETS DatasetScreen",
            "export_dialog": "ExportScreen",
            "goto": "FacetScreen GotoScreen",
            "help": "CommandProvider HelpScreen Palette offered run_entry sections",
            "job_dialog": "DatasetJobScreen JobLogScreen JobScreen LimitsScreen",
            "manual": "ManualScreen MessageLogScreen",
            "questions": "ListScreen ProgressScreen cancel_question choose confirm leave_question",
            "search_dialog": "SaveScreen SearchForm",
            "settings_dialog": "AUTO SettingsScreen ThemeScreen",
            "source_form": "SourceForm",
        },
    )
