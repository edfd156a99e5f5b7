"""The built-in feed, and what a space has by default."""

from typing import Any

import pytest


async def test_the_built_in_feed_shows_the_packages_of_releases_newest_first(api: Any) -> None:
    (feed,) = (await api.get("/api/feeds?feedType=BuiltIn"))["Items"]
    assert (await api.get(feed["Links"]["Self"])) == feed
    assert (await api.get("/api/feeds?feedType=Docker"))["Items"] == []

    found = await api.get(f"/api/feeds/{feed['Id']}/packages/versions?packageId=acme.payments")
    assert [each["Version"] for each in found["Items"]] == ["3.1.0", "3.1.0-rc.1", "3.0.0"]
    stable = await api.get(
        f"/api/feeds/{feed['Id']}/packages/versions?packageId=Acme.Payments&includePreRelease=false"
    )
    assert [each["Version"] for each in stable["Items"]] == ["3.1.0", "3.0.0"]
    search = await api.get(f"/api/feeds/{feed['Id']}/packages/search?term=pay")
    assert [(each["Id"], each["LatestVersion"]) for each in search["Items"]] == [
        ("Acme.Payments", "3.1.0")
    ]
    needed = await api.get(f"/api/feeds/{feed['Id']}/packages/versions", status=400)
    assert "packageId" in needed["ErrorMessage"]


@pytest.mark.parametrize("name", ["machinepolicies", "workerpools"])
async def test_every_space_is_born_with_one_default(admin: Any, name: str) -> None:
    (one,) = await admin.get(f"/api/Spaces-1/{name}/all")
    assert one["IsDefault"] is True
    assert await admin.get(one["Links"]["Self"]) == one
