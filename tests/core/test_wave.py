"""Changes wait for what they need, through what does not change, turned round for downgrades."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.wave import dependants, dependencies, needed_changes, order, waves

Graph = dict[str, tuple[str, ...]]

CHAIN: Graph = {"a": (), "b": ("a",), "c": ("b",)}


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Cells without a cycle, in any order: each comes after some of those drawn before it."""
    names = [f"c{n}" for n in range(draw(st.integers(1, 9)))]
    afters = {
        name: draw(st.sets(st.sampled_from(names[:n]), max_size=3)) if n else set()
        for n, name in enumerate(names)
    }
    shuffled = draw(st.permutations(names))
    return {name: tuple(sorted(afters[name])) for name in shuffled}


@st.composite
def changing_graphs(draw: st.DrawFn) -> tuple[Graph, frozenset[str], frozenset[str]]:
    """A graph, what changes in it, and what of that goes down."""
    graph = draw(graphs())
    changing = draw(st.frozensets(st.sampled_from(sorted(graph))))
    down = draw(st.frozensets(st.sampled_from(sorted(changing)))) if changing else frozenset()
    return graph, changing, down


def leads(graph: Graph, later: str, earlier: str, through: frozenset[str]) -> bool:
    """Tell, by trying every path, whether `later` comes after `earlier` through some nodes only."""
    return any(
        before == earlier or (before in through and leads(graph, before, earlier, through))
        for before in graph[later]
    )


def test_a_change_waits_through_a_component_that_does_not_change() -> None:
    assert needed_changes(CHAIN, ["a", "c"]) == {"a": frozenset(), "c": {"a"}}


def test_the_nearest_change_hides_what_is_behind_it() -> None:
    assert needed_changes(CHAIN, ["a", "b", "c"]) == {"a": frozenset(), "b": {"a"}, "c": {"b"}}


def test_a_component_that_the_stack_does_not_name_waits_for_nothing() -> None:
    assert needed_changes({"b": ("gone",)}, ["b"]) == {"b": frozenset()}


def test_downgrades_go_the_other_way_round() -> None:
    waits, mixed = order(needed_changes(CHAIN, CHAIN), downwards=CHAIN)

    assert waves(waits) == {"c": 1, "b": 2, "a": 3}
    assert mixed == frozenset()


def test_mixed_directions_along_one_edge_are_told_and_not_ordered() -> None:
    waits, mixed = order(needed_changes(CHAIN, ["a", "c"]), downwards={"a"})

    assert mixed == {"a", "c"}
    assert waits == {"a": frozenset(), "c": frozenset()}


def test_a_chain_of_thousands_is_no_trouble() -> None:
    names = [f"c{n:05}" for n in range(5000)]
    pairs = zip(names[1:], names, strict=False)
    chain = {"c00000": ()} | {n: (b,) for n, b in pairs}

    waits, _ = order(needed_changes(chain, names), downwards=())

    assert waves(waits)["c04999"] == 5000


@given(changing_graphs())
def test_a_change_waits_for_exactly_what_it_reaches_through_the_unchanged(
    case: tuple[Graph, frozenset[str], frozenset[str]],
) -> None:
    graph, changing, _ = case
    unchanged = frozenset(graph) - changing

    found = needed_changes(graph, changing)

    assert found == {
        name: {other for other in changing if leads(graph, name, other, unchanged)}
        for name in changing
    }


@given(changing_graphs())
def test_waves_respect_the_order_of_each_direction_and_hold_the_mixed(
    case: tuple[Graph, frozenset[str], frozenset[str]],
) -> None:
    graph, changing, down = case
    unchanged = frozenset(graph) - changing

    waits, mixed = order(needed_changes(graph, changing), down)
    wave = waves(waits)

    expected_mixed = set()
    for later in changing:
        for earlier in changing:
            if not leads(graph, later, earlier, unchanged):
                continue
            if (later in down) != (earlier in down):
                expected_mixed |= {later, earlier}
            elif later in down:
                assert wave[later] < wave[earlier]
            else:
                assert wave[earlier] < wave[later]
    assert mixed == expected_mixed
    assert set(wave) == changing
    for name, number in wave.items():
        assert number == 1 + max((wave[w] for w in waits[name]), default=0)


@given(graphs(), st.data())
def test_dependants_and_dependencies_are_what_some_path_leads_to(
    graph: Graph, data: st.DataObject
) -> None:
    sources = data.draw(st.frozensets(st.sampled_from(sorted(graph)), min_size=1))
    everything = frozenset(graph)

    after = {n: [s for s in sources if leads(graph, n, s, everything)] for n in graph}
    before = {n: [s for s in sources if leads(graph, s, n, everything)] for n in graph}

    assert dependants(graph, sources) == {n: min(s) for n, s in after.items() if s}
    assert dependencies(graph, sources) == {n: min(s) for n, s in before.items() if s}
