"""How much of what is publicly known of the product's surface the simulator serves."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shapes import SWAGGER, described_routes, served, shape_of

from reconciler.simulator.router import SPACE_ROOT

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "simulator.md").read_text("utf-8")
OF_COLLECTIONS = (
    ("GET", ""),
    ("POST", ""),
    ("GET", "/{id}"),
    ("PUT", "/{id}"),
    ("DELETE", "/{id}"),
)


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _known() -> Iterator[tuple[str, str]]:
    """Yield what `known_routes.txt` names, by method and path."""
    for line in _lines("known_routes.txt"):
        methods, _, path = line.partition(" ")
        if methods.startswith("CRUD"):
            yield from ((method, shape_of(path + rest)) for method, rest in OF_COLLECTIONS)
            if methods.endswith("+all"):
                yield "GET", f"{path}/all"
        else:
            yield from ((method, shape_of(path)) for method in methods.split(","))


def _served() -> set[tuple[str, str]]:
    own = {(route.method, shape.replace(SPACE_ROOT.lower(), "{}")) for route, shape in served()}
    own |= {("GET", "users/me")}  # as the user whose id is `me`
    return own


def test_every_route_that_public_sources_name_is_served() -> None:
    known = set(_known())
    assert sorted(known - _served()) == []
    assert len(known) > 300
    assert f"All {len(known)} routes that Octopus' public documentation" in PAGE


@pytest.mark.skipif(not SWAGGER.is_file(), reason="needs the product's API description")
def test_the_page_says_how_much_of_the_description_is_served() -> None:
    known = described_routes(json.loads(SWAGGER.read_text()))
    missed = sorted(known - _served())
    assert missed == [("GET", ".well-known/acme-challenge//{}")]
    assert f"{len(known) - len(missed)} of the {len(known)} that its description of 2021" in PAGE


async def test_the_roots_have_every_link_that_clients_rely_on(admin: Any) -> None:
    root, space = (await admin.get("/api"))["Links"], (await admin.get("/api/Spaces-1"))["Links"]
    for line in _lines("known_links.txt"):
        name, _, template = line.partition(" ")
        if template.startswith("/"):
            assert root[name] == template
        else:
            assert root[name] == space[name] == f"/api/Spaces-1/{template}"


async def test_every_link_of_the_roots_leads_to_a_route(admin: Any) -> None:
    paths = {shape for _, shape in _served()}
    for links in ((await admin.get("/api"))["Links"], (await admin.get("/api/Spaces-1"))["Links"]):
        for name, template in links.items():
            path = re.sub(r"\{\?[^}]*\}|\{/[^}]*\}", "", template)
            shape = shape_of(path.removeprefix("/api").removeprefix("/Spaces-1"))
            assert {shape, f"{shape}/{{}}"} & (paths | {"app"}), (name, template)
