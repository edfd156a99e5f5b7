"""The pages of docs/ that are made from the program, so that they cannot disagree with it."""

from __future__ import annotations

import typing
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from reconciler.cli import cli
from reconciler.cli.leaving import MEANINGS
from reconciler.cli.meanings import CONDITION_REASONS, CONDITIONS, GATES, REASONS
from reconciler.core.condition import REASONS as CONDITION_TABLE
from reconciler.core.plan import Reason
from reconciler.core.role import ROLE
from reconciler.core.servers import FEATURES, OLDEST, TESTED
from reconciler.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from enum import StrEnum

    from pydantic.fields import FieldInfo

    from reconciler.cli.meanings import Meaning

MADE = "<!-- Made from the program: `pytest tests/cli --update-golden` writes it anew. -->\n"

CHANGES = (
    Reason.NEW_PIN,
    Reason.NOT_DEPLOYED,
    Reason.DRIFT,
    Reason.REDEPLOY,
    Reason.UNSETTLED,
)

PLAN_AS_DATA = """\
## A plan as data

`reconciler plan ENV -o json` and `-o yaml` write the same values. Equal plans give equal bytes:
keys are sorted, and the only time is that of reading Octopus. Texts from git and Octopus are
cleaned: one line, bounded, without control characters. `schema/plan.schema.json` is their schema.

| Field of `spec` | Value |
| --- | --- |
| `commit` | the full hash of the commit that was planned |
| `readAt` | when Octopus was read, `YYYY-MM-DDTHH:MM:SSZ`; of a RemoteEnvironment, which is not \
read, when it was planned |
| `digest` | `sha256:<hex>` over what would change, as `apply --plan` takes it |
| `hasWork` | true if anything is to change |
| `inSync` | how many components run what is pinned; they are listed with `--all` only |
| `changes` | by wave, then by component: `component`, `action` (upgrade, downgrade, redeploy), \
`from` (null: never deployed), `to`, `reason`, `note`, `redeploy` (the pin's counter), \
`refreshVariables` (its release's variables are refreshed first), \
`unknownDirection`, `wave` (from 1), `waitsFor` (components whose change must succeed first), \
`machines` (the only ones it goes to, by id; only where it does not go to all) |
| `ignored` | what is left alone and is not in sync: `component`, `from`, `to`, `reason`, `note` |
| `gates` | closed gates: `component` (null: the whole plan), `gate`, `message`, `opener` |
| `alsoDeployedBy` | who else deploys there now: `deployers` with `kind`, `name`, `id`, `doubt` \
(why that is not certain, or empty), `components` and `more` (how many are not listed); `more` \
deployers that are not listed; `unread`: why these may not be all |
| `estimate` | what it would take: `tasks`, `apiCalls`, `seconds` (from the receipts of earlier \
deployments; null where none is known) and `unknownTasks` (left out of `seconds`) |
| `machines` | only where the policy looks at machines: `unwell`, with `name`, `id`, `health`, \
`fate`, `why` and `lostSince` (by the server's clock; null: not known), and `unread` (why they \
could not be judged, or empty) |
| `platformVersion` | the platform version it runs on (null: none): `name`, and `broken`, the pins \
that break the alignment: `component`, `pinned`, `expected` |
| `arrivals` | only where the policy serves machines: those that are `notReady` (`id`, `name`, \
`state`), those `left` without `components`, and in words what is `unknown` (docs/arrivals.md) |

`docs/reasons.md` explains every reason and gate.

`reconciler explain ENV COMPONENT -o json` writes a document of kind `Explanation`
(`schema/explanation.schema.json`):

| Field of `spec` | Value |
| --- | --- |
| `component`, `commit`, `readAt` | what is explained, at which commit, and when Octopus was read |
| `pinned` | `version`, `redeploy`, `refreshVariables`, `hold` (`reason`, `until`), \
`platform` (the `name` of the platform version and the `version` it has, or null), \
`file`, `line`, and `written`: the \
`commit`, `author`, `email`, `at` and `subject` that wrote this line (null: git cannot tell); \
null: it is pinned nowhere |
| `seen` | `state` (settled, unsettled, never, unobserved) and `why`, the `version` of the last \
full success, the version `attempted` last, its `deployment`, `release`, `assembled` and `task`, \
and what is `running`; null: it is not managed |
| `deployed` | the newest `deployment`: `by`, `at`, `comment`, and where the reconciler made it \
the manifests' `commit` and its `receipt` |
| `compared` | `action`, `reason` and `note`, `from`, `to` and the `direction` (up, down, same, \
unknown) between them, the pin that was `reached` last, whether a commit asks for this one \
(`isNew`), `wave` and `waitsFor` |
| `gates` | the closed gates before it, or before the whole plan |

`reconciler plan --base REV --head REV -o json` writes a document of kind `Review`
(`schema/review.schema.json`):

| Field of `spec` | Value |
| --- | --- |
| `base`, `head`, `isBehind` | the full hashes, and whether the head lacks the base |
| `environments` | those that differ: `name`, `isNew`, `observed` (live, snapshot), `isTold` \
(false: there is no snapshot), `readAt`, `plan` (a document of kind `Plan`; null where \
`trouble` says why there is none) |
| `altered` | rules that the change alters: `kind` (policy, space, environment), `name`, `fields` \
(`field`, `before`, `after`) and the `environments` they apply to |
| `problems`, `broken` | invalid manifests: `file`, `line`, `column`, `message`; the environments \
they stop |
| `removed`, `untouched` | environments that left the manifests, and that do not differ |
| `remotes` | RemoteEnvironments that differ: nothing is deployed there from here |

`docs/pull-requests.md` says what a check goes by.

`reconciler history ENV [COMPONENT] -o json` writes a document of kind `History`
(`schema/history.schema.json`):

| Field of `spec` | Value |
| --- | --- |
| `commit`, `readAt`, `isWhole` | up to which commit, when that was read, and whether nothing \
older is left out |
| `entries` | newest first: `written` (the `commit`, `author`, `email`, `at` and `subject`; null: \
a deployment that no commit of the history explains), `isMerge`, `note`, `changes` and \
`deployments` |
| `changes` | `component`, `ring` (null: of the environment), `from` and `to` (`version`, \
`redeploy`, `refreshVariables`, `held`; null: no pin) |
| `deployments` | what was deployed for the commit's pins: `component`, `tenant` (an id, or null), \
`version`, `outcome`, `askedAt`, `endedAt`, the manifests' `commit` it was made for, and its \
`receipt` |
"""

HEALING = """\
## Healing

With `mode: heal` a policy also lets a pass correct drift: what runs is not what was last reached,
and no commit asks for that. Only what Octopus brought by itself is corrected: by a trigger, a
schedule, an automatic phase. What a person brought is `held-by-hand`, also where a trigger or
schedule only deployed it again; what nothing shows Octopus to have brought is left. Nothing goes
down: neither below what runs nor below a version that failed on its way.

A reconciler and a schedule that both deploy a component would take turns for ever. So gate
`also-deployed` holds healing until each of these is named under `alsoDeployedBy` of the
environment, by name or id, or disabled in Octopus:

| who | when it deploys a component | its name |
| --- | --- | --- |
| a trigger, a schedule | it belongs to the project, and goes here or names no environment | \
the trigger's |
| an automatic phase | the environment is among the automatic ones of a phase that is not \
optional, in a lifecycle that releases of the project follow by their channel or the project | the \
lifecycle's |
| a trigger that makes releases | where an automatic phase takes them here | the trigger's |
| a parent project | it has a step for this environment that deploys a release of the project | \
the parent's |

A parent that does not tell counts as perhaps: a step that names its project by a variable, a
process template, a process that could not be read. Of a project that keeps its process in Git, the
processes that its current releases froze are read. More than twenty such projects hold healing
whoever is named. What a commit asks for is not held by this gate: only what would be healed, and
what waits for that.

The observing credential needs TriggerView, LifecycleView and ProcessView in the whole space; where
it lacks one, nothing is healed. Who else deploys is asked when something is to be healed, and by
`plan`: three requests, and one for each hundred projects of the space, every ten minutes at most.
"""

COMPARISON_AS_DATA = """\
## A comparison as data

`reconciler compare A B -o json` writes a document of kind `Comparison`
(`schema/comparison.schema.json`):

| Field of `spec` | Value |
| --- | --- |
| `left`, `right` | the two sides: `name` as it was asked for, and `at`, the commit or time of it |
| `differs` | true unless every component is known to be the same; `--detailed-exitcode` leaves \
with 2 then |
| `counts` | how many components stand in each relation, those not shown included |
| `rows` | by component: `cell` (`component`, or `component@tenant`; of a manifest \
`component@(ring NAME)` for whom a ring means by tags), `left` and `right` \
(versions; null: none there, or none known), `relation` and `note`; what is the same only with \
`--all` |

| Relation | How B stands to A |
| --- | --- |
| `only-left`, `only-right` | one side does not have it |
| `newer`, `older` | B has the higher, or the lower version |
| `unordered` | the versions differ, and Octopus' own order does not tell which is higher |
| `other-release` | equal versions of two releases; `note` says in what they differ |
| `unknown` | of one side it is not known for certain what is there: unsettled, unread, running |
| `same` | equal versions, and nothing known of the releases differs |
"""

PAUSES = """\
## Pauses

`reconciler pause` writes into the store of this machine's state directory, and every process that
uses that directory obeys within one second: the pauses are read again right before each request,
and twice a second while an apply waits. Tasks that run are watched to their receipts. What an apply
has not started is given back as held, and it exits with 1, or with 4 where nothing was started at
all. A pause that is lifted while something still runs lets the same apply go on.

A pause survives restarts. It is lost with the store, and then everything is held until somebody
runs `reconciler accept`. It is no edit in git and does not reach other machines. A server is named
by its address as Space manifests give it, or by its installation id; both mean the server under
every address an environment was accepted with.

`reconciler pause --list -o json` writes a list, oldest first: `scope` (all, server, environment,
component), `server`, `environment`, `component` (null where the scope has none), `who` (the login
and host of the machine), `since`, `reason`, and with `--lifted` also `liftedBy` and `liftedAt`.
"""


WATCHING = """\
## Watching

On a terminal `apply` shows one tree that grows while it works: each wave, the components in it
that run or failed, the steps and machines they are at with the last line of their logs, and what
starts next. The first two rows tell how much is done by what each component usually takes, and
when all of it is likely to have ended, beside the end of the window that is open. `not before`
stands there while something runs or waits that was never deployed here. A terminal may be of any
size, and be resized: what failed and what waits for a person is drawn first. On a pipe `apply`
tells one line for each fact. Meaning never rests on colour, and `NO_COLOR` is honoured.
[session.md](session.md) is a recorded one.

`reconciler logs` reads the same from Octopus beside whatever deploys: from another machine, after
an `apply` was interrupted, or of what people started. With `--follow` the lines of all tasks come
as they are logged, on stdout, and what becomes of the tasks on stderr; it takes up what starts
meanwhile, and ends once nothing has run for 30 seconds. However many tasks run, a turn asks for
four logs at most, so with many at once each comes less often; where a log grew faster than it was
read, that is told, and Octopus has all of it. Verbose lines are fetched only with `--verbose`.
"""


def reasons_page() -> str:
    """Return docs/reasons.md."""
    changes = {reason: REASONS[reason] for reason in CHANGES}
    ignores = {reason: REASONS[reason] for reason in REASONS if reason not in CHANGES}
    return "\n".join(
        [
            "# Reasons, gates and conditions",
            "",
            MADE,
            "Every component of a plan has one action and one reason. A closed gate stands before",
            "one change, or before the whole plan; the plan shows it with who or what can open it.",
            "",
            "## Why something changes",
            "",
            *_meanings(changes, "reason"),
            "",
            "## Why something is left alone",
            "",
            *_meanings(ignores, "reason"),
            "",
            "## Gates",
            "",
            *_meanings(GATES, "gate"),
            "",
            HEALING,
            "## Conditions",
            "",
            "How an environment stands, as `reconciler status` and `/status` tell it. Several may",
            "be in force; `Ready` is exactly when none of `Reconciling`, `Stalled` and `Blocked`",
            "is. The condition tells who has to act: a person where it is `Stalled`, nobody",
            "where it is `Reconciling` or `Blocked`.",
            "",
            *_meanings(CONDITIONS, "condition"),
            "",
            "The reason is one word: a gate, a kind of failure, or a word as below.",
            "",
            "| condition | its reasons |",
            "| --- | --- |",
            *(
                f"| `{kind}` | {', '.join(f'`{word}`' for word in sorted(words))} |"
                for kind, words in CONDITION_TABLE.items()
            ),
            "",
            "| reason | what it says |",
            "| --- | --- |",
            *(f"| `{word}` | {says} |" for word, says in CONDITION_REASONS.items()),
            "",
        ]
    )


def _meanings(words: Mapping[Any, Meaning], head: str) -> Iterator[str]:
    yield f"| {head} | what it says | what to do |"
    yield "| --- | --- | --- |"
    word: StrEnum
    for word, meaning in words.items():
        yield f"| `{word.value}` | {meaning.says} | {meaning.to_do} |"


def settings_page() -> str:
    """Return docs/settings.md."""
    return "\n".join(
        [
            "# Settings",
            "",
            MADE,
            "Settings are read from variables and from the file `reconciler.toml` in the current",
            "folder; variables win. In the file a name is written without `RECONCILER_`, in small",
            "letters, and `__` opens a table: `RECONCILER_GIT__TIMEOUT=90` is `[git]` with",
            "`timeout = 90`. Where a Space manifest finds its API keys is said there, never here.",
            "",
            "| variable | value | default | meaning |",
            "| --- | --- | --- | --- |",
            *_fields(Settings, "RECONCILER_"),
            "",
            "What people do as themselves is asked with their own Octopus key: the variable",
            "`RECONCILER_USER_API_KEY`, or a file named by `RECONCILER_USER_API_KEY_FILE`. It is",
            "no setting, never an argument, and no Space's key takes its place.",
            "",
            "`NO_COLOR` is honoured. Output that is no terminal has no colour.",
            "",
        ]
    )


def _fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        inner = _inner(info)
        if inner is None:
            about = info.description or ""
            yield f"| `{prefix}{name.upper()}` | {_kind(info)} | {_default(info)} | {about} |"
        elif typing.get_origin(info.annotation) is dict:
            yield from _fields(inner, f"{prefix}{name.upper()}__<SPACE>__")
        else:
            yield from _fields(inner, f"{prefix}{name.upper()}__")


def _inner(info: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a table, or of each entry of a table."""
    for each in (info.annotation, *typing.get_args(info.annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _kind(info: FieldInfo) -> str:
    annotation = info.annotation
    if typing.get_origin(annotation) in {UnionType, typing.Union}:
        annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(f"`{word}`" for word in typing.get_args(annotation))
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    names |= {"Path": "path", "SecretStr": "secret text"}
    return names[annotation.__name__] if isinstance(annotation, type) else str(annotation)


def _default(info: FieldInfo) -> str:
    if info.default is PydanticUndefined:
        return "see the meaning" if info.default_factory is not None else "none: required"
    match info.default:
        case None | "":
            return "none"
        case bool() as value:
            return f"`{str(value).lower()}`"
        case value:
            return f"`{value}`"


def cli_page() -> str:
    """Return docs/cli.md."""
    parts = [
        "# The command line",
        "",
        MADE,
        "Data goes to stdout, talk to stderr. A failure is one line `error: ...` and one line",
        "`hint: ...`; nothing else is changed than what they say.",
        "",
        "## Exit codes",
        "",
        "| code | meaning |",
        "| --- | --- |",
        *(f"| {code:d} | {says} |" for code, says in MEANINGS.items()),
        "",
        PLAN_AS_DATA,
        COMPARISON_AS_DATA,
        PAUSES,
        WATCHING,
        "## Help",
        "",
    ]
    for path, command in _commands("reconciler", cli, None):
        parts += [f"### `{path}`", "", "```", command, "```", ""]
    return "\n".join(parts)


def _commands(
    path: str, command: click.Command, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command,
        info_name=path.rpartition(" ")[2],
        parent=parent,
        terminal_width=90,
        **command.context_settings,
    )
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(f"{path} {name}", inner, context)


def servers_page() -> str:
    """Return docs/servers.md."""
    return "\n".join(
        [
            "# Servers",
            "",
            MADE,
            "Which version of Octopus has what, what it is used for here, and what is so without",
            "it. A route that a server does not know (404) is *not supported here*, never *not",
            "known*. `reconciler doctor` tells what the servers of your manifests lack.",
            "",
            f"The oldest version whose routes are known is {OLDEST}; tests run against a simulator",
            f"made from the public descriptions of {TESTED}. A server that calls itself `0.0.0`",
            "counts as the newest.",
            "",
            "| feature | since | used | without it |",
            "| --- | --- | --- | --- |",
            *(f"| {o.name} | {o.since} | {o.used} | {o.without} |" for o in FEATURES),
            "",
            "## The least roles",
            "",
            "What `reconciler doctor --print-role` prints; with `-o json` it is what Octopus takes",
            "as user roles. Give each of the two service accounts its own, for the whole space or",
            "narrowed to the projects and environments that are pinned, as the reach says.",
            "",
            "| key | permission | reach | what for | without it |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| `{o.use}` | {o.permission} | {o.reach} | {o.purpose} | {o.without} |"
                for o in ROLE
            ),
            "",
        ]
    )


PAGES = {
    "reasons.md": reasons_page,
    "settings.md": settings_page,
    "cli.md": cli_page,
    "servers.md": servers_page,
}
DOCS = Path(__file__).parents[2] / "docs"
