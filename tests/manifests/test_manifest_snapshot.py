"""Snapshots: what is written is read back, and one changed component is one changed line."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.snapshot import Reached, Snapshot, SnapshotCell
from reconciler.errors import ManifestsInvalid
from reconciler.manifests.snapshot import parse_snapshot, render_snapshot

GOLDEN = """\
apiVersion: reconciler/v1
kind: Snapshot
metadata: {name: production-uk}
spec:
  octopus: {server: 1111-2222, space: Spaces-2, environment: Environments-3}
  cells:
    lobby-ui: {state: never, project: Projects-9}
    wallet-api: {version: "2.4.1", state: settled, reached: {version: "2.4.1", redeploy: 0}, \
project: Projects-7, deployment: Deployments-902, release: Releases-90, \
assembled: "2026-11-19T16:02:11Z", process: "...-s-7", variables: variableset-s-3, \
packages: {Acme.Wallet: "2.4.1", "Deploy: it[0]": "1.0"}}
"""
SNAPSHOT = Snapshot(
    name="production-uk",
    server="1111-2222",
    space="Spaces-2",
    environment="Environments-3",
    cells={
        "wallet-api": SnapshotCell(
            state="settled",
            version="2.4.1",
            reached=Reached("2.4.1"),
            project="Projects-7",
            deployment="Deployments-902",
            release="Releases-90",
            assembled="2026-11-19T16:02:11Z",
            process="...-s-7",
            variables="variableset-s-3",
            packages=(("Acme.Wallet", "2.4.1"), ("Deploy: it[0]", "1.0")),
        ),
        "lobby-ui": SnapshotCell(state="never", project="Projects-9"),
    },
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
hard_texts = texts | st.sampled_from(["1.10", "no", "~", "", "{", "a: b", "# x", "\u2028", "<<"])
names = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True)
cells = st.builds(
    SnapshotCell,
    state=st.sampled_from(["settled", "unsettled", "never", "unobserved"]),
    version=st.none() | hard_texts,
    reached=st.none() | st.builds(Reached, hard_texts, st.integers(0, 10**6)),
    project=st.none() | hard_texts,
    deployment=st.none() | hard_texts,
    release=st.none() | hard_texts,
    assembled=st.none() | hard_texts,
    process=st.none() | hard_texts,
    variables=st.none() | hard_texts,
    packages=st.dictionaries(hard_texts, hard_texts, max_size=3).map(
        lambda packages: tuple(sorted(packages.items()))
    ),
)
snapshots = st.builds(
    Snapshot,
    name=names,
    server=hard_texts,
    space=hard_texts,
    environment=hard_texts,
    cells=st.dictionaries(names | hard_texts, cells, max_size=4),
    gaps=st.none()
    | st.dictionaries(hard_texts, st.dictionaries(hard_texts, hard_texts, max_size=2), max_size=2),
)


def test_a_snapshot_is_written_in_the_documented_form() -> None:
    assert render_snapshot(SNAPSHOT).decode() == GOLDEN


def test_what_machines_lack_that_is_left_so_is_one_line_each() -> None:
    left = replace(SNAPSHOT, gaps={"Machines-5": {"wallet-api": "Releases-90"}})

    assert render_snapshot(left).decode() == (
        GOLDEN + "  gaps:\n    Machines-5: {wallet-api: Releases-90}\n"
    )
    assert render_snapshot(replace(left, gaps={})).decode() == GOLDEN + "  gaps: {}\n"


def test_a_snapshot_without_cells_is_readable() -> None:
    empty = replace(SNAPSHOT, cells={})

    assert parse_snapshot(render_snapshot(empty)) == empty


@settings(deadline=None)
@given(snapshots)
def test_what_is_written_is_read_back(snapshot: Snapshot) -> None:
    assert parse_snapshot(render_snapshot(snapshot)) == snapshot


@settings(deadline=None)
@given(snapshots)
def test_the_order_of_cells_never_shows(snapshot: Snapshot) -> None:
    turned = replace(snapshot, cells=dict(reversed(snapshot.cells.items())))

    assert render_snapshot(turned) == render_snapshot(snapshot)


@settings(deadline=None)
@given(snapshots, names, cells, cells)
def test_one_changed_component_is_one_changed_line(
    snapshot: Snapshot, name: str, one: SnapshotCell, other: SnapshotCell
) -> None:
    before = render_snapshot(replace(snapshot, cells={**snapshot.cells, name: one})).splitlines()
    after = render_snapshot(replace(snapshot, cells={**snapshot.cells, name: other})).splitlines()

    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == (one != other)


def test_a_name_too_long_for_a_key_is_cut_so_that_the_file_stays_readable() -> None:
    names = ("p" * 5_000, "p" * 5_001)
    cell = SnapshotCell(state="never", packages=tuple((name, "1.0") for name in names))
    written = render_snapshot(replace(SNAPSHOT, cells={"a": cell}))

    kept = [name for name, _ in parse_snapshot(written).cells["a"].packages]
    assert len(set(kept)) == 2
    assert all(len(name) == 200 and name.startswith("p" * 191 + "…") for name in kept)


def test_half_a_character_is_replaced_so_that_the_file_stays_readable() -> None:
    cell = SnapshotCell(state="never", process="a\ud800b")
    written = render_snapshot(replace(SNAPSHOT, cells={"a": cell}))

    assert parse_snapshot(written).cells["a"].process == "a\ufffdb"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("kind: Snapshot", "kind: Snap", "snapshot:2:7: 'kind': must be 'Snapshot'"),
        ("reconciler/v1", "x", "snapshot:1:13: 'apiVersion': must be 'reconciler/v1'"),
        ("name: prod", "nam: prod", "snapshot:3:12: unknown field 'nam'"),
        ("{name: production-uk}", "{}", "snapshot:3:11: missing field 'name'"),
        ("{name: production-uk}", "x", "snapshot:3:11: 'metadata': expected a mapping"),
        ("space: Spaces-2", "space: 2", "snapshot:5:39: 'space': expected text"),
        ("redeploy: 0", 'redeploy: "0"', "snapshot:8:90: 'redeploy': expected a whole number"),
        ("state: never", "state: odd", "'state': must be one of settled, unsettled, never"),
        ("state: never, ", "", "snapshot:7:15: missing field 'state'"),
        ("state: never", "state: never, x: y", "snapshot:7:30: unknown field 'x'"),
        ("lobby-ui: {", "wallet-api: {", "snapshot:8:5: 'wallet-api' is written twice"),
        ("spec:", "spec: &a", "snapshot:4:7: anchors are not allowed"),
    ],
)
def test_a_snapshot_that_was_tampered_with_is_refused_at_its_place(
    old: str, new: str, line: str
) -> None:
    assert old in GOLDEN

    with pytest.raises(ManifestsInvalid) as refused:
        parse_snapshot(GOLDEN.replace(old, new, 1).encode())

    assert line in refused.value.lines[0]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_rule_47_no_bytes_crash_the_reading_of_a_snapshot(data: bytes) -> None:
    with pytest.raises(ManifestsInvalid):
        parse_snapshot(data)
