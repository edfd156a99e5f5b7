"""What the daemon logs, as one line for people; the log itself is JSON lines in `daemon.log`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BRIEF = 12
"""Hex digits of a hash that people are shown."""


@dataclass(slots=True)
class News:
    """Puts facts into words, and each condition once for as long as it stays as it is.

    Of other environments than those in `environments` nothing is told.
    """

    environments: set[str]
    _told: dict[str, dict[str, str]] = field(default_factory=dict)

    def words(self, fact: Mapping[str, Any]) -> str:
        """Return a fact in words, or nothing where it is no news; the log's texts are clean."""
        environment = str(fact.get("environment", ""))
        if environment and environment not in self.environments:
            return ""
        if fact.get("event") == "deployment.started":
            self._told.get(environment, {}).pop("Ready", None)  # to be ready again is news
        words = _words(fact) or self._standing(environment, fact)
        return f"{environment}: {words}" if words and environment else words

    def _standing(self, environment: str, fact: Mapping[str, Any]) -> str:
        match fact:
            case {"event": "environment.stood", "conditions": conditions}:
                stands = {kind: why for kind, why in conditions.items() if kind != "Reconciling"}
                before = self._told.get(environment, {})
                new = {kind: why for kind, why in stands.items() if before.get(kind) != why}
                if stands:  # a pass that works tells of itself by what it does
                    self._told[environment] = stands
                return "; ".join(f"{kind}, {why}" for kind, why in new.items())
            case _:
                return ""


def _words(fact: Mapping[str, Any]) -> str:
    match fact:
        case {"event": "daemon.started", "listen": listen}:
            return f"watches the remote; answers at http://{listen}"
        case {"event": "deployment.started", "component": name, "task": task}:
            move = f"{fact.get('was') or 'nothing'} -> {fact.get('version')}"
            return f"{name} {move} started, {task}"
        case {"event": "deployment.ended", "component": name, "version": version}:
            return f"{name} {version} ended {fact['outcome']}, {fact['task']}"
        case {"event": "deployment.not_started", "component": name, "why": why}:
            return f"{name} not started: {why}"
        case {"event": "pass.resumed", "found": found}:
            mine = ", ".join(f"{name} {task}".strip() for name, task in found)
            return f"finds its own work of before: {mine}"
        case {"event": "pass.recorded", "receipts": int(count), "tip": tip} if count:
            what = "1 receipt" if count == 1 else f"{count} receipts"
            return f"{what} recorded, audit commit {tip[:BRIEF]}"
        case {"event": "pass.said", "text": text}:
            return str(text)
        case {"event": "repository.not_read" | "status.not_written", "why": why}:
            return str(why)
        case _:
            return ""
