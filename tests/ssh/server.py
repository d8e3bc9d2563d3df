"""An sshd of our own on a high port: throw-away keys, a config of its own, the user that runs the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..servers.processes import free_port, serving
from ..terminal.harness import children_of
from .needs import program

_CONFIG = """
Port {port}
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
UseDNS no
"""


class SSHServer:
    """A running sshd.

    Parameters
    ----------
    folder
        Where its keys and its log are.
    address, port
        Where it listens.
    pid
        The process that listens.
    """

    def __init__(self, folder: Path, address: str, port: int, pid: int) -> None:
        self.folder = folder
        self.address = address
        self.port = port
        self.pid = pid

    def command(
        self,
        program_and_arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        port: int | None = None,
    ) -> list[str | Path]:
        """Return what runs a program with a terminal at the far end; `port` is that of a line before it."""
        # The variables go with the command: a server takes none but TERM from its clients.
        given = [f"{name}={value}" for name, value in environment.items() if name != "TERM"]
        remote = ["exec", "env", *given, *map(str, program_and_arguments)]
        # One string, which the login shell there takes apart.
        words = shlex.join(remote)
        options = ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes", "HostKeyAlias=mlhub"]
        options += [f"UserKnownHostsFile={self.folder / 'known_hosts'}", "LogLevel=ERROR"]
        set_ = [part for option in options for part in ("-o", option)]
        user = f"{pwd.getpwuid(os.getuid()).pw_name}@{self.address}"
        identity: list[str | Path] = ["-i", self.folder / "user", "-p", str(port or self.port)]
        return [program("ssh", "openssh-client"), "-tt", "-F", os.devnull, *set_, *identity, user, words]

    def sessions(self) -> list[int]:
        """Return the processes of the sessions that are open; what runs in them is not among them."""
        found, left = [], children_of(self.pid)
        while left:
            pid = left.pop()
            with contextlib.suppress(OSError):  # ended since
                if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                    found.append(pid)
                    left += children_of(pid)
        return found

    def cut(self, sessions: Iterable[int] | None = None) -> None:
        """Kill sessions, all by default: what clients have open ends at once."""
        for pid in self.sessions() if sessions is None else sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def ssh_server(folder: Path, address: str = "127.0.0.1") -> Iterator[SSHServer]:
    """Run an sshd with new keys until the end of the block."""
    sshd, keygen = program("sshd", "openssh-server"), program("ssh-keygen", "openssh-client")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it parts with its privileges there
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in ("host", "user"):
        made = ["-t", "ed25519", "-N", "", "-C", f"mlhub test {name}", "-f", str(folder / name)]
        subprocess.run([keygen, "-q", *made], check=True, capture_output=True)
    (folder / "known_hosts").write_text(f"mlhub {(folder / 'host.pub').read_text()}")
    port, config, log = free_port(), folder / "sshd_config", folder / "log"
    config.write_text(_CONFIG.format(port=port, address=address, folder=folder))
    with serving([str(sshd), "-D", "-e", "-f", str(config)], port, log, address=address) as process:
        server = SSHServer(folder, address, port, process.pid)
        try:
            yield server
        finally:
            server.cut()
