"""The page at `/`: readable by anybody, true, and deaf to what names would have it do."""

from html.parser import HTMLParser
from typing import Any

from httpx import ASGITransport, AsyncClient

from reconciler.simulator import Seed, SeedProject, SeedSpace, SeedUser, Simulator

_VOID = {"meta", "br"}


class _Reader(HTMLParser):
    """Collects tags, attributes and text, and refuses tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_the_page_says_what_this_is_without_a_key(simulator: Simulator, anyone: Any) -> None:
    answer = await anyone.http.get("/")
    page = _Reader(answer.text)

    for words in (
        "A simulated Octopus Deploy server",
        "http://octopus/api",
        "X-Octopus-ApiKey",
        "Web Shop",
        "Space “Shop”",
        "reconciler",
    ):
        assert words in page.text
    assert page.tags.count("h1") == page.tags.count("main") == 1
    assert simulator.api_key not in answer.text
    assert simulator.service_api_key not in answer.text
    assert (await anyone.http.get("/app")).text == answer.text


async def test_hostile_names_are_shown_and_do_nothing() -> None:
    evil = "</title><script>alert(1)</script>\"'&<img src=x onerror=alert(1)>\u202e"
    simulator = Simulator(
        Seed(
            (SeedSpace(evil, environments=(evil,), projects=(SeedProject(evil),)),),
            users=(SeedUser("eve" + evil, evil),),
        )
    )
    async with AsyncClient(transport=ASGITransport(app=simulator.app), base_url="http://o") as http:
        answer = await http.get("/", headers={"Host": '"><script>alert(2)</script>'})
    page = _Reader(answer.text)

    assert {"script", "img"} & set(page.tags) == set()
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert page.text.count(evil[:-1] + "\ufffd") >= 5
    assert "\u202e" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_large_server_has_a_small_page() -> None:
    projects = tuple(SeedProject(f"project {number:03}") for number in range(300))
    simulator = Simulator(Seed((SeedSpace("Large", projects=projects),)))
    async with AsyncClient(transport=ASGITransport(app=simulator.app), base_url="http://o") as http:
        answer = await http.get("/")

    assert "and 280 more" in _Reader(answer.text).text
    assert len(answer.content) < 20_000
