"""GitOps for whole Octopus Deploy environments.

The rooms, from the inside out: `errors`, `core` (decisions, pure), `ports` (doors to the world),
`engine` (one pass told in verbs), the adapters (`manifests`, `octopus`, `git`, `signing`, `store`)
and `simulator`, `bootstrap` (the one place where doors get their other side), `cli`.
"""

__version__ = "0.1.0"
