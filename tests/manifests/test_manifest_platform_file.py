"""The file of a platform version: what is written is read back as it was, whatever it holds."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from manifest_world import changed, lines, load

from reconciler.core.manifest import Place
from reconciler.core.platform import PlatformVersion, Source, identity
from reconciler.core.state import ReleaseDetail
from reconciler.manifests.platform import render_platform

PLACE = Place("platforms/2026.11.1.yaml", 1, 1)
foreign = st.text(max_size=250) | st.sampled_from(["yes", "1.0", "", "#", ": ", "é", "\x1b[0m"])
releases = st.builds(
    ReleaseDetail,
    id=st.just("Releases-9"),
    project_id=st.just("Projects-1"),
    version=st.sampled_from(["1.0", "2026.10", "1.2.3-rc.1+7", "010"]),
    assembled=st.just(datetime(2026, 11, 19, 16, 2, 11, tzinfo=UTC)),
    channel_id=st.sampled_from(["", "Channels-1"]),
    process_snapshot=st.sampled_from(["", "deploymentprocess-Projects-1-s-0-ABC"]),
    variable_snapshot=st.sampled_from(["", "variableset-Projects-1-s-1-ABC"]),
    packages=st.lists(st.tuples(foreign, foreign), max_size=3).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(releases, releases)
def test_what_is_written_is_read_back_as_it_was(api: ReleaseDetail, db: ReleaseDetail) -> None:
    components = {
        "wallet-db": identity(db, "Spaces-2", PLACE),
        "wallet-api": identity(api, "Spaces-2", PLACE),
    }
    source = Source("qa", "4f" * 20, "1111")
    platform = PlatformVersion("2026.11", "platform", components, PLACE, source)

    content = render_platform(platform)

    found = load({**changed(), "platforms/2026.11.1.yaml": content})
    assert lines(found) == []
    assert found.platforms["2026.11"].digest == platform.digest
    assert len(content.splitlines()) == 9
