"""One module a kind of manifest: a document that passed its schema, as typed values.

Each module has a document class (`KIND` says of which kind it is) and a `build_...` for it;
`manifests.documents` has the table of all of them. The schema gate has been passed: nothing is
asked twice. What a schema cannot judge (versions, times, addresses, the graph of a stack) is
checked here, and a document that fails is given up: `Unfit` sends the file to `diagnose`, which
words everything. References between documents are followed in `resolve`, not here.
"""
