"""Platform versions as files: one line for each component, the same bytes every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.manifest import API_VERSION, Kind
from reconciler.manifests.kinds.platformversion import IDENTITY
from reconciler.manifests.writing import flow, key, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.core.platform import Captured, PlatformVersion


def render_platform(platform: PlatformVersion) -> bytes:
    """Return the manifest of a platform version: components sorted, equal values equal bytes."""
    lines = [
        f"apiVersion: {API_VERSION}",
        f"kind: {Kind.PLATFORM_VERSION}",
        f"metadata: {flow([('name', quoted(platform.name))])}",
        "spec:",
        f"  stack: {scalar(platform.stack)}",
    ]
    if (source := platform.source) is not None:
        said = (
            ("environment", scalar(source.environment)),
            ("commit", quoted(source.commit)),
            ("server", scalar(source.server)),
        )
        lines.append(f"  source: {flow(said)}")
    lines.append("  components:" if platform.components else "  components: {}")
    components = sorted(platform.components.items())
    lines.extend(f"    {key(name)}: {flow(_fields(captured))}" for name, captured in components)
    return ("\n".join(lines) + "\n").encode()


def _fields(captured: Captured) -> Iterator[tuple[str, str]]:
    yield "version", quoted(captured.version)
    for name in IDENTITY:
        if value := getattr(captured, name):
            yield name, scalar(value)
    if captured.packages:
        packages = {key(name): quoted(of) for name, of in captured.packages}
        yield "packages", flow(packages.items())
