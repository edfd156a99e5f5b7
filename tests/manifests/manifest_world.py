"""A small valid manifest repository in memory, and loading what a test changes in it."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha1

from reconciler.core.manifest import DesiredState, Invalid, ManifestSet, SourceFile
from reconciler.manifests.loader import ManifestLoader

ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: production-uk}
spec:
  octopus: {space: prod, environment: Production UK}
  stack: platform
  policy: careful
  components:
    wallet-api: "2.4.1"
    lobby-ui: {version: "3.0.0", hold: {reason: CHG-1301, until: 2026-12-01T00:00:00Z}}
"""
PINS = """\
apiVersion: reconciler/v1
kind: Pins
metadata: {name: wallet-production-uk}
spec:
  environment: production-uk
  components:
    wallet-db: {version: "1.9.0", redeploy: 2}
"""
QA = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: qa}
spec:
  octopus: {space: prod, environment: QA}
  stack: platform
  components: {wallet-api: "2.5.0"}
"""
SPACE = """\
apiVersion: reconciler/v1
kind: Space
metadata: {name: prod}
spec:
  server: https://octopus.example.com/
  space: Gaming
  credentials: {observe: {env: OCTOPUS_OBSERVE_KEY}, deploy: {file: deploy-key}}
"""
STACK = """\
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec:
  owners: ["@acme/platform"]
  components:
    wallet-api: {project: {prod: Wallet API}, after: [wallet-db]}
    wallet-db: {direction: up-only}
    lobby-ui: {project: Projects-7}
"""
POLICY = """\
apiVersion: reconciler/v1
kind: Policy
metadata: {name: careful}
spec:
  mode: apply
  protected: true
  limits: {downgrades: 0, changes: 20, parallel: 4}
  onFailure: finish-started
  onWarning: hold
  start: auto
"""
PLATFORM = """\
apiVersion: reconciler/v1
kind: PlatformVersion
metadata: {name: "2026.11.1"}
spec:
  stack: platform
  source: {environment: qa, commit: 4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f, server: 1111-2222}
  components:
    wallet-api:
      version: "2.4.0"
      space: Spaces-2
      release: Releases-90
      channel: Channels-4
      assembled: "2026-11-19T16:02:11Z"
      process: p-s-7
      variables: v-s-3
      packages: {Deploy: "2.4.0"}
    wallet-db: {version: "1.9.0"}
"""
LIFECYCLE = """\
apiVersion: reconciler/v1
kind: Lifecycle
metadata: {name: to-customers}
spec:
  phases:
    - {name: Quality, environments: [{prod: QA}]}
    - {name: Customers, environments: [{prod: Production UK}], minimum: 1, optional: true}
"""
REMOTE = """\
apiVersion: reconciler/v1
kind: RemoteEnvironment
metadata: {name: clinic}
spec:
  octopus: {space: far, environment: PROD}
  stack: platform
  components: {wallet-api: "2.4.0"}
"""
WORLD: Mapping[str, str] = {
    "environments/production-uk.yaml": ENVIRONMENT,
    "environments/qa.yaml": QA,
    "platforms/2026.11.1.yaml": PLATFORM,
    "policies/careful.yaml": POLICY,
    "spaces/prod.yaml": SPACE,
    "stacks/platform.yaml": STACK,
    "teams/wallet.yaml": PINS,
}


class Commit:
    """Files of a commit as the loader is handed them, and a count of what it read."""

    def __init__(
        self, files: Mapping[str, str | bytes], modes: Mapping[str, str] | None = None
    ) -> None:
        self.contents: dict[str, bytes] = {}
        self.read_blobs: list[str] = []
        self.files: list[SourceFile] = []
        for path, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            blob = sha1(data, usedforsecurity=False).hexdigest()
            self.contents[blob] = data
            mode = (modes or {}).get(path, "100644")
            self.files.append(SourceFile(path, blob, mode, len(data)))

    def read(self, blobs: Collection[str]) -> dict[str, bytes]:
        self.read_blobs.extend(blobs)
        return {blob: self.contents[blob] for blob in blobs}


def load(
    files: Mapping[str, str | bytes],
    *,
    loader: ManifestLoader | None = None,
    earlier: Sequence[Mapping[str, str | bytes]] = (),
    modes: Mapping[str, str] | None = None,
) -> ManifestSet:
    """Load files as one commit; `earlier` as what stood in accepted ones."""
    now, commits = Commit(files, modes), [Commit(each) for each in earlier]
    for before in commits:
        now.contents.update(before.contents)

    def asked(paths: Collection[str]) -> list[SourceFile]:
        return [file for before in commits for file in before.files if file.path in paths]

    return (loader or ManifestLoader()).load(now.files, now.read, asked)


def changed(**files: str | bytes | None) -> dict[str, str | bytes]:
    """Return the world with files replaced by stem (`qa=...`); None takes one away."""
    paths = {path.rpartition("/")[2].removesuffix(".yaml"): path for path in WORLD}
    result: dict[str, str | bytes] = dict(WORLD)
    for stem, content in files.items():
        path = paths.get(stem.replace("_", "-"), f"more/{stem}.yaml")
        if content is None:
            del result[path]
        else:
            result[path] = content
    return result


def lines(found: ManifestSet) -> list[str]:
    """Return all problems as a person sees them."""
    return [str(problem) for problem in found.problems]


def stopped(found: ManifestSet) -> list[str]:
    """Return the names of the environments that are stopped."""
    return [name for name, state in found.environments.items() if isinstance(state, Invalid)]


def state(found: ManifestSet, name: str) -> DesiredState:
    """Return an environment that is whole."""
    desired = found.environments[name]
    assert isinstance(desired, DesiredState), desired
    return desired


def places(found: Sequence[str]) -> list[str]:
    """Return `file:line:column` of each line."""
    return [":".join(line.split(":")[:3]) for line in found]
