"""Pins of an environment or of a ring: on their platform version, and of components there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.manifest import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.manifest import Pin
    from reconciler.core.platform import PlatformVersion
    from reconciler.core.stack import Stack
    from reconciler.manifests.wording import Words

MAX_PROBLEMS = 50  # per environment and check


def on_base(own: Mapping[str, Pin], platform: PlatformVersion) -> Mapping[str, Pin]:
    """Return an environment's own pins on top of those of its platform version."""
    pins = dict(platform.pins)
    for name, pin in own.items():
        below = platform.pins.get(name)
        pins[name] = pin if below is None else replace(pin, base=below.base)
    return pins


def strangers(pins: Mapping[str, Pin], stack: Stack, words: Words) -> Iterator[Problem]:
    """Yield a problem for each pin of what is no component of the stack."""
    for name in sorted(pins.keys() - stack.components.keys())[:MAX_PROBLEMS]:
        meant = words.did_you_mean(name, stack.components.keys())
        yield Problem(
            pins[name].place, f"'{name}' is not a component of stack '{stack.name}'{meant}"
        )
