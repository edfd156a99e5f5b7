"""Decisions only: values in, values out.

Here live versions, manifests as values, desired and observed state, plans, gates, intents and
receipts. Everything is frozen, total and repeatable. No I/O, no clock, no logger, no `await`, no
third-party import: what happens in here can be proved by calling it.
"""
