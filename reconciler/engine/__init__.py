"""One pass told in verbs: survey, plan, gate, apply, record; and accept.

The engine knows the world only by `reconciler.ports`. It decides nothing that `core` can decide,
and it never talks HTTP, SQL or git itself.
"""
