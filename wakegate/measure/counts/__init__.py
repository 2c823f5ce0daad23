"""Counts: what was found, and what it proves. Pure.

``matching`` (detections against references), ``part`` (what adds up), ``tally`` (a word as arrays), ``curve`` (every
threshold at once), ``bootstrap`` (other speakers, other devices), ``compare`` and ``agreement`` (two engines),
``sequential`` (how many hours more), ``dispersion`` (whether devices differ).
"""
