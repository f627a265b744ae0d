"""The only way to call the library: checks state and bounds first, since it aborts the process where others fail.

A file per area, each with functions of a handle. Blocking; used from the call threads of one session.
"""
