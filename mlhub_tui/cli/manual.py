"""`mlhub-tui help`: the manual on a terminal, as Markdown in a pipe, and as man pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from .. import config, manual, ui  # the modules of settings and screens are loaded when they are used
from ..text import one_line
from ..version import __version__
from .options import Command, no_such, option
from .printing import is_terminal, terminal_width

EPILOG = """\b
Examples:
  mlhub-tui help
  mlhub-tui help downloads
  mlhub-tui help --search proxy
  mlhub-tui help --man ~/.local/share/man/man1
"""
_WIDEST = 100


@click.command("help", cls=Command, epilog=EPILOG, short_help="Read the manual.")
@click.argument("topic", required=False)
@option("--search WORD", "List the lines of the manual that contain WORD.", name="word")
@option("--man DIR", "Write man pages to DIR.", type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def help_command(context: click.Context, topic: str | None, word: str | None, man: Path | None) -> None:
    """Read the manual: a TOPIC, or the help of a command; without one, list the topics.

    On a terminal it is shown in a pager; piped, it is plain Markdown.
    """
    root = context.find_root().command
    assert isinstance(root, click.Group)
    if man is not None:
        for page in write_pages(root, man):
            click.echo(page)
    elif word is not None:
        hits = [*manual.found(((name, text_of(name, root)) for name in _topics(topic)), word)]
        for hit in hits:
            click.echo(f"{hit.topic}: {hit.heading}: {one_line(hit.line, 160)}")
        if not hits:
            click.echo(f"nothing found for {one_line(word, 40)!r}", err=True)
            context.exit(1)
    elif topic is None:
        for name in manual.TOPICS:
            click.echo(f"{name:20} {manual.title(name)}")
        click.echo("\nRead a topic: mlhub-tui help TOPIC; a command: mlhub-tui COMMAND --help", err=True)
    elif topic in manual.TOPICS:
        _show(text_of(topic, root))
    else:
        _show_command(context, root, topic)


def _topics(topic: str | None) -> Iterator[str]:
    yield from (manual.TOPICS if topic is None else [topic] if topic in manual.TOPICS else [])


def _show_command(context: click.Context, root: click.Group, name: str) -> None:
    """Print the help of a command; refuse what is neither a topic nor a command."""
    command = root.get_command(context, name)
    if command is None:
        raise no_such("topic", name, [*manual.TOPICS, *root.list_commands(context)], context)
    with click.Context(command, info_name=name, parent=context.find_root()) as own:
        click.echo(command.get_help(own))


def _show(text: str) -> None:
    """Show Markdown in a pager on a terminal, and as it is elsewhere."""
    if not is_terminal(sys.stdout):
        click.echo(text, nl=False)
        return
    from rich.console import Console  # on a terminal alone
    from rich.markdown import Markdown

    width = min(terminal_width() or 80, _WIDEST)
    console = Console(width=width, force_terminal=True)
    with console.capture() as drawn:
        console.print(Markdown(text))
    click.echo_via_pager(drawn.get(), color=True)


def text_of(topic: str, root: click.Group) -> str:
    """Return the Markdown of a topic with its tables filled in."""
    text = manual.source(topic)
    if "{{keys}}" in text:
        text = text.replace("{{keys}}", ui.commands.key_table())
    if "{{settings}}" in text:
        text = text.replace("{{settings}}", config.table())
    if "{{commands}}" in text:
        text = text.replace("{{commands}}", "\n\n".join(_reference(root)))
    return text


def commands_of(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield the commands below a group with their contexts, each group before its own."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = click.Context(command, info_name=name, parent=context, **command.context_settings)
        yield command, own
        if isinstance(command, click.Group):
            yield from commands_of(command, own)


def _reference(root: click.Group) -> Iterator[str]:
    context = click.Context(root, info_name="mlhub-tui", **root.context_settings)
    for command, own in ((root, context), *commands_of(root, context)):
        yield f"## {own.command_path}\n\n```text\n{command.get_help(own)}\n```"


def write_pages(root: click.Group, folder: Path) -> Iterator[Path]:
    """Write a man page for the program and for each command; yield their paths.

    Raises OSError if the folder cannot be created, or a page cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    context = click.Context(root, info_name="mlhub-tui", **root.context_settings)
    for command, own in ((root, context), *commands_of(root, context)):
        page = folder / f"{own.command_path.replace(' ', '-')}.1"
        page.write_text(man_page(command, own), encoding="utf-8")
        yield page


def man_page(command: click.Command, context: click.Context) -> str:
    """Return the man page of a command in roff (man(7))."""
    name = context.command_path.replace(" ", "-")
    short = command.get_short_help_str(200).rstrip(".")
    pieces = " ".join(command.collect_usage_pieces(context))
    lines = [
        f'.TH "{_roff(name.upper())}" 1 "" "mlhub-tui {__version__}" "mlhub-tui manual"',
        ".SH NAME",
        f"{_roff(name)} \\- {_roff(short[:1].lower() + short[1:])}",
        ".SH SYNOPSIS",
        f".B {_roff(context.command_path)}",
        _roff(pieces),
        ".SH DESCRIPTION",
        *_paragraphs(command.help or short),
    ]
    given = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    options = [record for each in given if (record := each.get_help_record(context))]
    lines += [".SH OPTIONS"] if options else []
    for declared, about in options:
        lines += [".TP", f".B {_roff(declared)}", _roff(" ".join(about.split())) or "\\&"]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None and not found.hidden:
                about = found.get_short_help_str(200)
                lines += [".TP", f".BR {_roff(name)}-{_roff(inner)} (1)", _roff(about) or "\\&"]
    for heading, body in _sections(command.epilog or ""):
        lines += [f".SH {heading.upper()}", ".nf", *(_roff(line) for line in body), ".fi"]
    lines += [".SH SEE ALSO", ".BR mlhub-tui (1),", "mlhub-tui help"]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    """Return text in which nothing is taken for a request or an escape of roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return f"\\&{text}" if text[:1] in (".", "'") else text


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\b", "").strip()):
        yield ".PP"
        yield _roff(" ".join(paragraph.split()))


def _sections(epilog: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the headed parts of an epilog: a heading with a colon, and the lines below it."""
    for part in epilog.replace("\b", "").split("\n\n"):
        heading, _, body = part.strip().partition(":\n")
        if body:
            yield heading, body.rstrip().splitlines()
