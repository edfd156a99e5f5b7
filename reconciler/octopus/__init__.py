"""The room that talks to Octopus Deploy: one space, read and deployed to over its REST API.

Here live the HTTP client (`http`, the only module that imports httpx), the request budget, the
typed reading of the server's JSON (`wire`), its translation into values of the core (`translate`)
and the door's other side (`space`). What the values mean for a cell is judged in the core; when to
look or deploy is decided by the engine.
"""
