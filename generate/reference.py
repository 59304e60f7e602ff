"""Writes the reference page from the code."""

import inspect
from collections.abc import Iterable

import click

from generate.declarations import TYPES, shown
from handler.attributes import ATTRIBUTES
from ops.__main__ import main
from ops.cli import of_a_stack
from pipeline.alarms import Alarm, alarms, event_rule_alarms
from pipeline.audit_watch import audit_alarms
from pipeline.extractor_watch import extractor_alarms
from pipeline.keys import Declared, config_key
from pipeline.outputs import OUTPUTS
from pipeline.settings import KEYS, PROJECT, Settings

PAGE = f"""\
# Reference

`make generate` writes this page from the code; edit the code.

## Configuration

Every key is in the namespace `{PROJECT}` and is checked before any resource is made. The \
component's arguments have the same names, in Python in snake case.

{{keys}}

## Change a setting on a live stack

*In place* means that the resource, its name and its data stay. *Replaced* means a new, empty \
resource, after which the old one is deleted with its data: Pulumi shows `replace` in the preview, \
and refuses it for protected resources. Which of the two applies to a property was read in the AWS \
provider's source (`ForceNew`, `RequiresReplace`); none of it has been run on AWS.

{{changes}}

## Outputs

{{outputs}}

In Python the component's outputs are in snake case.

## Row

{{row}}

Times are ISO 8601, UTC. The attributes of an object come from one `HeadObject` answer.

## Alarms

{{alarms}}

With an `extractor`:

{{extractor_alarms}}

With an `audit`:

{{audit_alarms}}

With `eventSource` `eventbridge` also:

{{event_rule_alarms}}

What to do in each case: [operations.md](operations.md).

## `python -m ops`

Exit status: 0 success, 1 something needs attention, 2 wrong usage. Ctrl-C stops after the current \
step. Every command takes these options:

{{shared}}

{{commands}}
"""


def page(_old: str) -> str:
    """The whole page."""
    return PAGE.format(
        keys=_table(("Key", "Type", "Default", "Rule", "Meaning"), map(_key, KEYS.values())),
        changes=_table(
            ("Setting", "What a change does, and what it costs"),
            ((f"`{key.name}`", key.key.live) for key in KEYS.values()),
        ),
        outputs=_table(
            ("Output", "Of the component", "Meaning"),
            (
                (f"`{name}`", f"`{config_key(output.attribute)}`", output.means)
                for name, output in OUTPUTS.items()
            ),
        ),
        row=_table(
            ("Attribute", "Type", "Meaning"),
            ((f"`{name}`", kind, means) for name, (kind, means) in ATTRIBUTES.items()),
        ),
        alarms=_alarms(alarms(queue="", function="", table="", timeout=Settings.timeout)),
        extractor_alarms=_alarms(extractor_alarms(function="", mapping="", namespace="")),
        audit_alarms=_alarms(audit_alarms(function="", namespace="", since=0)),
        event_rule_alarms=_alarms(event_rule_alarms(queue="", rule="")),
        shared=_options(_shared()),
        commands="\n\n".join(_command(name, main.commands[name]) for name in main.commands),
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _alarms(of: Iterable[Alarm]) -> str:
    rows = ((f"`{alarm.role}`", alarm.means, alarm.first) for alarm in of)
    return _table(("Alarm", "Means", "First"), rows)


def _key(key: Declared) -> tuple[str, ...]:
    default = key.key.if_empty if key.default in (None, "", {}) else f"`{shown(key.default)}`"
    rule = key.key.rule.says if key.key.rule else ""
    means = f"{key.key.means}. {key.key.more}".rstrip()
    return (f"`{key.name}`", TYPES[key.kind], default, rule, means)


def _shared() -> list[click.Parameter]:
    return click.command()(of_a_stack(lambda: None)).params


def _command(name: str, command: click.Command) -> str:
    shared = {param.name for param in _shared()}
    own = [param for param in command.params if param.name not in shared]
    arguments = [f" {param.name.upper()}" for param in own if isinstance(param, click.Argument)]
    parts = [f"### `{name}{''.join(arguments)}`", inspect.cleandoc(command.help or "")]
    if table := _options(own):
        parts.append(table)
    return "\n\n".join(parts)


def _options(params: Iterable[click.Parameter]) -> str:
    options = [param for param in params if isinstance(param, click.Option)]
    rows = [(f"`{option.opts[0]}`", _meaning(option)) for option in options]
    return _table(("Option", "Meaning"), rows) if rows else ""


def _meaning(option: click.Option) -> str:
    default = f" {option.default} by default." if option.show_default else ""
    return f"{option.help}{default}"
