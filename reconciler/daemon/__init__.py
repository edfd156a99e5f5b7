"""The daemon: watches repositories, and runs one pass per environment at a time.

Events wake, state decides: a wake is only an environment's name, and each pass reads everything
afresh. Here live the supervisor, its timetable and the backoff; what a pass does is the engine's.
"""
