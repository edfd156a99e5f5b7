"""Git as a place to read commits from and to record what was done.

Here live the bare mirror, reading at a commit, audit commits, the push and the leases. Git content
is data: nothing is checked out, and no hook, filter, submodule, LFS file, template or external
diff ever runs (rule 22). What a manifest or a receipt means is decided elsewhere.
"""
