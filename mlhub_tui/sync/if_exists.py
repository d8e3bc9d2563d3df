"""What to do with a file that exists already."""

from ..options import IfExists as DownloadIfExistsOpts

__all__ = ["DownloadIfExistsOpts"]
