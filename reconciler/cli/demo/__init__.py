"""`reconciler demo`: a story told with real processes, and a playground after it.

A temporary folder is the stage: a real git remote, the simulator, and commands of ours exactly as
they are shown. Nothing of the user's git configuration, settings or keys is read, and nothing is
left behind. The tests' own simulators and stories are not here.
"""
