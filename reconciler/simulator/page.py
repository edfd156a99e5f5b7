"""The page at `/`: what this server is, what it holds, how to log in. HTML without scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Release, Space
    from reconciler.simulator.world import World

__all__ = ["show_page"]

_MOST = 20
"""Rows of a table; the rest is counted. A page is for people, the API for the whole."""
_LONGEST = 200
"""Characters shown of one name."""

_HEADERS = (
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
)

_STYLE = """
:root { color-scheme: light dark; --line: #767676; --soft: #f2f4f7; --link: #0b57b0; }
@media (prefers-color-scheme: dark) { :root { --soft: #22262c; --link: #8cc2ff; } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { line-height: 1.2; margin-top: 1rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2rem; padding-bottom: .25rem; }
a { color: var(--link); }
pre, code { background: var(--soft); border-radius: .25rem; font-size: .9rem; }
pre { overflow-x: auto; padding: .75rem; }
code { padding: .1rem .25rem; }
pre code { padding: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { font-weight: bold; padding: .5rem 0; text-align: left; }
th, td { border-bottom: 1px solid var(--line); overflow-wrap: anywhere; text-align: left;
  padding: .35rem .75rem .35rem 0; vertical-align: top; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A simulated Octopus Deploy server</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>A simulated Octopus Deploy server</h1>
<p>This is Reconciler's simulator: the REST surface of Octopus Deploy {version}, for tests,
demonstrations and your own scripts. It is no product of Octopus Deploy, and it deploys nothing.
Its clock shows {now}.</p>

<h2>Addresses</h2>
<dl>
<dt>Server, as clients want it</dt><dd><code>{base}</code></dd>
<dt>API</dt><dd><a href="/api">{base}/api</a>, open to everybody; all else needs a key</dd>
<dt>Clock and scripted faults, for tests</dt>
<dd><code>/simulator/clock</code>, <code>/simulator/faults</code>, with the administrator's key</dd>
</dl>

<h2>How to log in</h2>
<p>There is no web portal. Clients send an API key: the line that the simulator printed at its
start has the administrator's (<code>apiKey</code>) and a service account's
(<code>serviceApiKey</code>), who may look at everything and deploy.</p>
<pre tabindex="0" aria-label="Example">
<code>curl -H "X-Octopus-ApiKey: API-..." {base}/api/users/me</code></pre>
{users}

<h2>What it holds</h2>
{spaces}

<h2>More to read</h2>
<ul>
<li><code>docs/simulator.md</code> of Reconciler: seeds, kept state, clock, faults</li>
<li><code>docs/simulator-choices.md</code>: what it does where Octopus' public
sources are silent</li>
<li><a href="https://octopus.com/docs/octopus-rest-api">Octopus Deploy's documentation of its REST
API</a>, which this server follows</li>
</ul>
</main>
</body>
</html>
"""


def show_page(call: Call) -> Answer:
    """GET /: names are other people's text and are escaped, and the page may load nothing."""
    world = call.world
    page = _PAGE.format(
        style=_STYLE,
        version=_text(world.server_version),
        now=f'<time datetime="{call.now.isoformat()}">{call.now:%d %B %Y, %H:%M:%S} UTC</time>',
        base=_text(f"http://{call.headers.get('host', 'localhost')}"),
        users=_users(world),
        spaces="\n".join(map(_space, world.spaces_in_order())) or "<p>There is no space.</p>",
    )
    return Answer(page.encode(), content_type="text/html; charset=utf-8", headers=_HEADERS)


def _text(foreign: str) -> str:
    """Return foreign text that shows as what it is: bounded, without control characters."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in foreign[:_LONGEST])
    return escape(shown + ("…" if len(foreign) > _LONGEST else ""))


def _table(caption: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table of escaped text; its first column names the rows."""
    every = list(rows)
    if not every:
        return f"<p>{_text(caption)}: none.</p>"
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in heads)
    body = "\n".join(
        f'<tr><th scope="row">{_text(first)}</th>'
        + "".join(f"<td>{_text(each)}</td>" for each in rest)
        + "</tr>"
        for first, *rest in every[:_MOST]
    )
    more = len(every) - _MOST
    foot = f"<p>and {more} more</p>" if more > 0 else ""
    return (
        f'<div class="wide"><table><caption>{_text(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>{foot}"
    )


def _users(world: World) -> str:
    rows = (
        (each.username, each.display_name, "service account" if each.is_service else "person")
        for each in world.users.values()
    )
    return _table("Accounts", ("Username", "Name", "Kind"), rows)


def _space(space: Space) -> str:
    facts = [
        "the default space" if space.is_default else "",
        _many(len(space.environments), "environment"),
        _many(len(space.projects), "project"),
        _many(len(space.releases), "release"),
        _many(len(space.deployments), "deployment"),
        _many(len(space.machines), "machine"),
    ]
    environments = [_text(each.name) for each in space.environments_in_order()]
    names = ", ".join(environments[:_MOST]) or "none"
    more = len(environments) - _MOST
    projects = sorted(space.projects.values(), key=lambda each: each.name.casefold())
    rows = (
        (each.name, each.slug, space.groups[each.group_id].name, _newest(each.releases))
        for each in projects
    )
    own = escape(space.id)
    return "\n".join(
        (
            f'<section aria-labelledby="{own}">',
            f'<h3 id="{own}">Space “{_text(space.name)}”</h3>',
            f"<p><code>/api/{own}</code>: {', '.join(filter(None, facts))}.",
            f"Environments: {names}{f' and {more} more' if more > 0 else ''}.</p>",
            _table(
                f"Projects of {space.name}", ("Project", "Slug", "Group", "Newest release"), rows
            ),
            "</section>",
        )
    )


def _newest(releases: list[Release]) -> str:
    return releases[-1].version if releases else "none"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
