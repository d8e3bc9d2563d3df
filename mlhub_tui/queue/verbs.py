"""What can be asked of a job, which states it applies to, and where it leads: one table for all programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .job import DatasetRequest, Job, State
from .states import MOVES


class Verb(StrEnum):
    """What a person can ask of a job."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Change:
    """From which states a verb leads to which one, and what of the job it sets besides."""

    starts: frozenset[State]
    end: State
    fields: Mapping[str, object]


_SAID: Mapping[str, object] = {"reason": "", "hint": ""}

CHANGES: Mapping[Verb, Change] = {
    Verb.PAUSE: Change(
        frozenset(state for state in State if State.PAUSED in MOVES[state]),
        State.PAUSED,
        {**_SAID, "next_try": None},
    ),
    Verb.RESUME: Change(frozenset({State.PAUSED, State.NEEDS_KEY, State.NO_SPACE}), State.QUEUED, _SAID),
    Verb.RETRY: Change(
        frozenset({State.RETRYING, State.NEEDS_KEY, State.NO_SPACE, State.FAILED, State.CANCELLED}),
        State.QUEUED,
        {**_SAID, "next_try": None, "tries": 0},
    ),
    Verb.CANCEL: Change(
        frozenset(state for state in State if State.CANCELLED in MOVES[state] and not state.finished),
        State.CANCELLED,
        _SAID,
    ),
}
"""Pausing all, say, is pausing those in `CHANGES[Verb.PAUSE].starts`; on others the verb does nothing."""


def applies(verb: Verb, job: Job) -> bool:
    """Whether a verb does something to a job that is named.

    A dataset that is done can be retried: what is gone of its files, or has another size, is fetched. It is
    not among those that are retried without a name.
    """
    again = verb is Verb.RETRY and job.state is State.DONE and isinstance(job.request, DatasetRequest)
    return again or job.state in CHANGES[verb].starts
