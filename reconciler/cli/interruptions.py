"""`reconciler interruptions list [ENV] | take ID | submit ID [--result R] [--notes TEXT]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.interruptions import Question

environment_option = click.option(
    "--environment",
    metavar="ENV",
    help="Where it is asked; needed where the manifests name several servers.",
)


@click.group("interruptions")
def command() -> None:
    """List, take and answer what deployments ask of people, as yourself.

    A manual intervention or a guided failure waits for a person. Nothing answers one by itself.
    Your key is in RECONCILER_USER_API_KEY, or in the file that RECONCILER_USER_API_KEY_FILE names;
    no other is used.
    """


@command.command("list", short_help="List what waits for a person.")
@click.argument("environment", required=False)
@click.option("--acts", is_flag=True, help="What people did by command here, and no more.")
@output_option("json", "yaml")
@repo_option
def list_(environment: str | None, output: str, repo: str | None, *, acts: bool) -> Exit:
    """List what waits for a person in one environment, or in all, as you may see it.

    With --acts: who took and answered what from this machine; no server is asked then.
    """
    from reconciler.cli.render.interruptions import print_acts, print_questions
    from reconciler.cli.session import with_doors
    from reconciler.engine.interruptions import list_questions

    if acts:
        from reconciler.bootstrap import open_journal
        from reconciler.settings import read_settings

        with open_journal(read_settings()) as journal:
            print_acts(journal.acts(environment), output)
        return Exit.OK
    from reconciler.cli.asself import myself

    who = myself()

    async def work(doors: Doors) -> tuple[Question, ...]:
        return await list_questions(doors, who, environment)

    print_questions(with_doors(work, repo, records=True), output)
    return Exit.OK


@command.command("take", short_help="Take the responsibility for one.")
@click.argument("interruption", metavar="ID")
@environment_option
@repo_option
def take(interruption: str, environment: str | None, repo: str | None) -> Exit:
    """Take the responsibility for one, as Octopus wants it before an answer.

    ID is such as Interruptions-12; `interruptions list` shows it. One that somebody else took
    stays theirs.
    """
    from reconciler.cli.asself import myself
    from reconciler.cli.render.interruptions import form_lines
    from reconciler.cli.session import say, with_doors
    from reconciler.core.text import clean
    from reconciler.engine.interruptions import take_question

    who = myself()

    async def work(doors: Doors) -> Question:
        return await take_question(doors, who, interruption, environment)

    question = with_doors(work, repo, records=True)
    where = f"{clean(question.project)} in {clean(question.environment)}"
    click.echo(f"{clean(question.asked.id)} of {where} is yours to answer")
    for line in form_lines(question.asked):
        say(line)
    return Exit.OK


@command.command("submit", short_help="Answer one that you took.")
@click.argument("interruption", metavar="ID")
@click.option("--result", metavar="WORD", help="Proceed, Abort; Retry, Ignore, Exclude, Fail.")
@click.option("--notes", metavar="TEXT", help="Your words; Octopus keeps them with the task.")
@click.option("--set", "values", metavar="NAME=VALUE", multiple=True, help="Any other field.")
@click.option("--yes", is_flag=True, help="For answers Octopus asks twice about, such as Abort.")
@environment_option
@repo_option
def submit(
    interruption: str,
    result: str | None,
    notes: str | None,
    values: tuple[str, ...],
    environment: str | None,
    repo: str | None,
    *,
    yes: bool,
) -> Exit:
    """Answer one that you took, with the fields of its form.

    `interruptions list` shows which results there are.
    """
    from reconciler.cli.asself import myself
    from reconciler.cli.session import say, with_doors
    from reconciler.core.text import clean
    from reconciler.engine.interruptions import submit_question

    given = dict(map(_pair, values))
    if notes is not None:
        given["Notes"] = notes
    if result is None and not given:
        raise click.UsageError("say what you answer: --result WORD")
    who = myself()

    async def work(doors: Doors) -> tuple[Question, dict[str, str | None]]:
        return await submit_question(doors, who, interruption, environment, result, given, sure=yes)

    question, sent = with_doors(work, repo, records=True)
    where = f"{clean(question.project)} in {clean(question.environment)}"
    choice = question.asked.choice
    answer = "" if choice is None else f" with {clean(sent[choice.name] or '')}"
    click.echo(f"{clean(question.asked.id)} of {where} was answered{answer}")
    say("the task goes on, or ends, as that says; whoever watches it sees it at the next look")
    return Exit.OK


def _pair(words: str) -> tuple[str, str]:
    name, found, value = words.partition("=")
    if not name or not found:
        raise click.UsageError("--set takes NAME=VALUE")
    return name, value
