"""Listening: each engine over each recording, on one core or a cluster, with the same result.

``run`` (what happens to a recording), ``units`` (recordings as tasks), ``worker`` (what a process does), ``pool`` (the
processes) and ``cache`` (what is known already).
"""
