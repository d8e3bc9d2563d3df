"""What a failure means: for the file, for its host, or for the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ... import errors, text
from ...errors import MLHubException, RequestError
from ...http.errors import BeingPrepared, LinkRejected
from ...http.link import Link
from ...http.urls import parse_url
from ...transfer import part_file
from ..tuning import Patience
from .feed import Result
from .item import Item
from .pending import Pending
from .tally import Tally

_TRIES = 5  # failures of a file's own after which it has failed
_PASSING = (
    errors.ServerUnreachable,
    errors.ServerTimeout,
    errors.ServerError,
    errors.UnexpectedAnswer,
    errors.RemoteChanged,
    errors.TargetBusy,
    BeingPrepared,
)
_ENDING = (errors.NoSpaceError, errors.AuthenticationError, errors.APIKeyNotFound)


class Judge:
    """Decides who waits, who is tried again and what has failed.

    Parameters
    ----------
    pending
        Where items and hosts are.
    tell
        Takes the result of a file that has failed.
    end
        Ends the run with an error.
    relink
        Asks for another link of an item.
    """

    def __init__(
        self,
        pending: Pending,
        patience: Patience,
        tell: Callable[[Result], None],
        end: Callable[[BaseException], None],
        relink: Callable[[Item], None],
    ) -> None:
        self._pending = pending
        self._patience = patience
        self._tell = tell
        self._end = end
        self._relink = relink
        self._why: RequestError | None = None

    def failed(
        self, item: Item, error: MLHubException | OSError, began: float, *, reached: bool = True
    ) -> None:
        """Judge a failure of a file that was begun at a moment, by a host that was reached or not."""
        if isinstance(error, OSError):
            error = part_file.translate_os_error(error, Path(item.target))
        if isinstance(error, _ENDING):
            self._end(error)
        elif isinstance(error, LinkRejected) and not item.relinked:
            item.relinked, item.refusal = True, error
            self._relink(item)
        elif isinstance(error, errors.VerificationFailed) and not item.verified_once:
            item.verified_once = True
            self._pending.add(item)
        elif isinstance(error, _PASSING):
            self._passing(item, error, began, reached)
        else:
            self._tell(item.failed(error))

    def relinked(self, item: Item, link: Link | None) -> None:
        """Go on with an item whose link was refused, or not, if there is no other one."""
        if link is None or link.url == item.link.url:
            words = f"the link of {item.name} is refused, and there is no other one"
            self._tell(item.failed(item.refusal or LinkRejected(words)))
            return
        try:
            item.link, item.place = link, parse_url(link.url).origin
        except RequestError as error:
            self._tell(item.failed(error))
        else:
            self._pending.add(item)

    def show(self, tally: Tally) -> None:
        """Tell why nothing comes, if so."""
        now = time.monotonic()
        until = self._pending.held(now)
        tally.next_try = until
        tally.reason = text.one_line(text.redact(str(self._why)), 300) if until and self._why else ""

    def _passing(self, item: Item, error: MLHubException, began: float, reached: bool) -> None:
        """Try again later: the file alone, or all of its host together."""
        now, host = time.monotonic(), self._pending.host(item.place)
        if isinstance(error, RequestError):
            self._why = error
            host.failed(error, item.target, began, now, reached=reached)
            others_well = self._pending.well(host)
            if host.exhausted(error, reached=reached, others_well=others_well):
                if not others_well:
                    return self._end(error)
                host.error = error
        if host.rounds == 0 or host.successes != item.seen:
            item.tries += 1  # while the host is ill, that is not held against its files
        item.seen = host.successes
        if host.error is not None or item.tries >= min(_TRIES, self._patience.tries or _TRIES):
            return self._tell(item.failed(error))
        self._pending.put_off(
            item, now if host.until > now else now + self._patience.delay(max(item.tries, 1))
        )
        return None
