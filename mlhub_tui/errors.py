"""What can go wrong, as one small tree: each error says what happened, to what, and what to do next.

The names of the first four are those of the `radiant_mlhub` library, so that its readers find them again.
"""

from __future__ import annotations

from dataclasses import dataclass


class MLHubException(Exception):
    """Base of every error this package raises on purpose.

    - `message`: What happened and to what, in one line, without keys.
    - `hint`: What to do next, in one line; empty where there is nothing to say.
    """

    default_hint = ""
    shows_hint = False
    """Whether `str` has the status and the hint too: for callers of the Python API."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint

    def __str__(self) -> str:
        notes = "; ".join(filter(None, self.notes())) if self.shows_hint else ""
        return f"{self.message} ({notes})" if notes else self.message

    @property
    def full_message(self) -> str:
        """What happened, and what to do next, on one line."""
        return f"{self.message}: {self.hint}" if self.hint else self.message

    def notes(self) -> tuple[str, ...]:
        """Return what `str` has behind the message, for callers of the Python API."""
        return (self.hint,)


class APIKeyNotFound(MLHubException):
    """No API key could be resolved from arguments, environment or profiles file."""

    default_hint = "run `mlhub-tui configure`, or set MLHUB_API_KEY"


class NoHomeFolder(MLHubException):
    """There is no home folder: HOME is not set, and the system does not know the user."""

    default_hint = "set HOME, or MLHUB_HOME to a folder that you may write to"


class ProfileNotFound(APIKeyNotFound):
    """The profile that was asked for is not in the profiles file."""


class ProfilesFileError(APIKeyNotFound):
    """The profiles file cannot be read, written or understood."""


class InvalidProfileName(ProfilesFileError):
    """No profile can be saved under a name."""


class ConfigFileError(MLHubException):
    """The config file cannot be read, written or understood, or a setting is none."""

    default_hint = "fix it with an editor, or remove it: the defaults need no file"


class RequestError(MLHubException):
    """A request that did not get the answer it asked for; `url` never carries a key.

    - `message`: What happened, in one line.
    - `url`: The redacted URL of the request.
    - `status`: The HTTP status code, where there was an answer.
    - `retry_after`: Seconds the server asked to wait (RFC 9110, section 10.2.3).
    """

    def __init__(
        self,
        message: str,
        *,
        url: str = "",
        status: int | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.url = url
        self.status = status
        self.retry_after = retry_after

    @property
    def response(self) -> ErrorResponse | None:
        """What is known of the answer, as errors of requests have it; None where there was none."""
        return None if self.status is None else ErrorResponse(self.status, self.url)

    def notes(self) -> tuple[str, ...]:
        """Return the status, where the message has it not, and the hint."""
        known = self.status is None or f"({self.status})" in self.message
        return ("" if known else f"status {self.status}", self.hint)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The answer behind an error: its status code, and the redacted URL it came from."""

    status_code: int
    url: str


class HTTPError(RequestError):
    """The server answered with an error status (RFC 9110, sections 15.5 and 15.6)."""


class AuthenticationError(HTTPError):
    """The API refused the key, or wants one (401)."""

    default_hint = "check the key with `mlhub-tui sources test NAME`, or on the Profiles screen"


class AccessDenied(HTTPError):
    """The API knows the key and does not allow the request (403)."""

    default_hint = "this key may not read it: ask the owner of the deployment, or choose another profile"


class EntityDoesNotExist(HTTPError):
    """What was asked for is not there (404)."""

    default_hint = "check the ID"


class RequestRefused(HTTPError):
    """The API does not accept the request (another 4xx)."""


class ServerUnreachable(RequestError):
    """No connection: name not resolved, refused, reset, or TLS failed."""

    default_hint = "check the network and the root URL, then retry"


class ServerTimeout(RequestError):
    """The server did not answer in time."""

    default_hint = "retry, or check whether the server is up"


class ServerError(HTTPError):
    """The server failed or is overloaded (429, 5xx)."""

    default_hint = "the fault is the server's: retry later"


class UnexpectedAnswer(RequestError):
    """An answer that is not what the API promises: no JSON, a captive portal's page, missing fields."""

    default_hint = "check the root URL, or report it to the owner of the server"


class AnswerTooLarge(UnexpectedAnswer):
    """An answer with more bytes than are read at once."""

    default_hint = "ask for smaller pages, or report it to the owner: it has to be split"


class AnswerCutShort(UnexpectedAnswer):
    """JSON that ends too early: its server gave up in the middle."""

    default_hint = "ask for smaller pages, or retry later"


class KeyWithheld(RequestError):
    """A request that would carry the user's key to another origin than its own; it was not sent."""

    default_hint = "report it to the owner of the server: no other server may see a key"


class NotOffered(RequestError):
    """The source is of a kind that does not have what was asked for."""

    default_hint = "choose another source, or ask this one for something else"


class InvalidRootURL(MLHubException):
    """The root URL cannot be one."""

    default_hint = "a root URL looks like https://api.example.org/mlhub/v1/"


class InvalidSearch(MLHubException):
    """What was given for a search (a date, a box, a geometry) cannot be understood."""


class NotValidSTAC(MLHubException):
    """Pystac refuses the document; the message says why."""

    default_hint = "the document is shown as it was received"


class DownloadError(MLHubException):
    """A transfer that ended without its file."""


class OutputFolderError(DownloadError):
    """The output folder cannot take the file."""

    default_hint = "choose another folder, or fix this one, then retry"


class NoSpaceError(OutputFolderError):
    """The disk has less room than the file needs."""

    default_hint = "make room or choose another disk, then retry"


class RemoteChanged(DownloadError):
    """The file changed on the server between two tries; bytes of two versions are never mixed."""

    default_hint = "retry to start over with the new version"


class VerificationFailed(DownloadError):
    """A file is damaged, or does not match the size or checksum that was announced."""

    default_hint = "retry to fetch it again"


class TargetBusy(DownloadError):
    """Another program is writing this file."""

    default_hint = "wait until it is done, or stop it"


class FileConflict(DownloadError):
    """A file of the same name is in the way and is not a part of this download."""

    default_hint = "choose overwrite, or another folder"
