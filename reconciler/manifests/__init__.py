"""From YAML to manifests: bytes in, values of `core.manifest` out, every problem with its place.

A file goes through `tree` (YAML events with positions, rule 7), `schemas` (the JSON Schema gate),
and `documents` (typed values, one module a kind in `kinds`); only a file that fails goes through
`diagnose`, which words what is wrong. `resolve` joins the files of a commit, `loader` keeps parsed
files by blob id, `folder` reads a work tree. `snapshot` reads and writes the snapshots of the audit
branch.

No decision about deployments is made here, and nothing here talks to git or Octopus.
"""
