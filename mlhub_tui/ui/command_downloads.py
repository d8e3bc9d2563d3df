"""The table of commands: what is done on the Downloads screen, to a transfer or to those that are marked."""

from __future__ import annotations

from .command import DOWNLOADS, AppCommand

DOWNLOADING: tuple[AppCommand, ...] = (
    AppCommand(
        "downloads.pause",
        "space",
        "pause_or_resume",
        "pause/resume",
        "Pause or resume the transfer, or those that are marked",
        DOWNLOADS,
        1,
    ),
    AppCommand(
        "downloads.retry", "r", "retry", "retry", "Try again what failed or was cancelled", DOWNLOADS, 2
    ),
    AppCommand(
        "downloads.cancel",
        "x",
        "cancel",
        "cancel",
        "Cancel the transfer and delete what was fetched",
        DOWNLOADS,
        3,
    ),
    AppCommand(
        "downloads.details", "enter", "details", "details", "Show all about the transfer", DOWNLOADS, 4
    ),
    AppCommand("downloads.log", "l", "log", "log", "Show what happened to the transfer so far", DOWNLOADS, 6),
    AppCommand(
        "downloads.all",
        "P",
        "toggle_all",
        "pause all",
        "Pause or resume all transfers, of a filter those it shows",
        DOWNLOADS,
        5,
    ),
    AppCommand(
        "downloads.filter", "slash", "filter", "filter", "Filter by name, collection and state", DOWNLOADS, 7
    ),
    AppCommand(
        "downloads.group", "f", "group", "by state", "Show one state: running, failed, done…", DOWNLOADS, 8
    ),
    AppCommand(
        "downloads.sort",
        "s",
        "sort",
        "sort",
        "Sort by name, state, size, progress or speed, or as queued",
        DOWNLOADS,
        8,
    ),
    AppCommand(
        "downloads.mark", "m", "mark", "mark", "Mark the transfer, to act on several at once", DOWNLOADS, 9
    ),
    AppCommand(
        "downloads.mark_all", "A", "mark_all", "mark all", "Mark all that is shown, or none", DOWNLOADS
    ),
    AppCommand(
        "downloads.limits",
        "L",
        "limits",
        "limits",
        "Change speed limit, transfers at a time and connections while they run",
        DOWNLOADS,
        7,
    ),
    AppCommand(
        "downloads.verify",
        "v",
        "verify",
        "verify",
        "Read a finished file again: is it whole? Again to stop that",
        DOWNLOADS,
        6,
    ),
    AppCommand(
        "downloads.unpack",
        "u",
        "unpack",
        "unpack",
        "Unpack a finished archive; again to stop that",
        DOWNLOADS,
        5,
    ),
    AppCommand(
        "downloads.clear",
        "c",
        "clear",
        "clear finished",
        "Remove finished transfers from the list, of a filter those it shows",
        DOWNLOADS,
        8,
    ),
    AppCommand(
        "downloads.down", "J", "move(1)", "later", "Move the transfer down in the queue", DOWNLOADS, 9
    ),
    AppCommand("downloads.up", "K", "move(-1)", "sooner", "Move the transfer up in the queue", DOWNLOADS, 10),
    AppCommand("downloads.copy", "y", "copy_path", "copy path", "Copy the path of the file", DOWNLOADS, 11),
)
