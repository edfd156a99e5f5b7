"""Which handler answers a path: a trie of path segments, words without case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

__all__ = ["HOME", "SPACE_ROOT", "Handler", "Route", "Router", "Routes", "Scope"]

Handler = Callable[["Call"], object]

HOME = "\0home"
"""The word that stands for the empty path."""

SPACE_ROOT = "\0space"
"""The word that stands for "nothing after the space"; no request can write it by accident."""


class Scope(Enum):
    """Where a route lives: in a space, in the system, or in either."""

    SPACE = "space"
    SYSTEM = "system"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path template, as `projects/{project}/releases`."""

    method: str
    template: str
    handler: Handler
    scope: Scope
    is_anonymous: bool = False


class Routes:
    """The routes of one subject, gathered by decorators."""

    def __init__(self, scope: Scope = Scope.SPACE) -> None:
        self.scope = scope
        self.routes: list[Route] = []

    def on(
        self, method: str, *templates: str, scope: Scope | None = None, anonymous: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the function below for a method on each of the templates."""

        def keep(handler: Handler) -> Handler:
            for template in templates:
                where = scope or self.scope
                self.routes.append(Route(method, template, handler, where, anonymous))
            return handler

        return keep

    def get(self, *templates: str, scope: Scope | None = None) -> Callable[[Handler], Handler]:
        """Register the function below for GET."""
        return self.on("GET", *templates, scope=scope)

    def post(self, *templates: str, scope: Scope | None = None) -> Callable[[Handler], Handler]:
        """Register the function below for POST."""
        return self.on("POST", *templates, scope=scope)

    def put(self, *templates: str, scope: Scope | None = None) -> Callable[[Handler], Handler]:
        """Register the function below for PUT."""
        return self.on("PUT", *templates, scope=scope)


@dataclass(slots=True)
class _Node:
    words: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    methods: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """Finds the route of a path. A fixed word wins over a parameter at the same place.

    A router may stand before another one, which then knows the paths that it does not.
    """

    def __init__(self, routes: list[Route], *, rest: Router | None = None) -> None:
        self.routes: tuple[Route, ...] = (*routes, *(rest.routes if rest else ()))
        self._rest = rest
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.template.split("/") if route.template else []:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.words.setdefault(segment.lower(), _Node())
        if route.method in node.methods:
            raise ValueError(f"two handlers for {route.method} {route.template}")
        node.methods[route.method] = (route, tuple(names))

    def find(
        self, segments: list[str]
    ) -> tuple[dict[str, tuple[Route, tuple[str, ...]]], list[str]] | None:
        """Return the methods that a path has and its parameter values, or None for no such path."""
        values: list[str] = []
        node = self._walk(self._root, segments, 0, values)
        if node is not None:
            return node.methods, values
        return None if self._rest is None else self._rest.find(segments)

    def _walk(self, node: _Node, segments: list[str], at: int, values: list[str]) -> _Node | None:
        if at == len(segments):
            return node if node.methods else None
        fixed = node.words.get(segments[at].lower())
        if fixed is not None:
            found = self._walk(fixed, segments, at + 1, values)
            if found is not None:
                return found
        if node.any is not None and segments[at]:
            values.append(segments[at])
            found = self._walk(node.any, segments, at + 1, values)
            if found is not None:
                return found
            values.pop()
        return None
