"""Conditions: noise, rooms, levels, codecs and spacing, made on the fly and always the same.

Read in this order: ``made`` (the description a recording carries), ``draw`` (chance that depends on nothing but seed
and name), ``excerpt`` (sound from a file, from anywhere in it), ``level`` (the SNR rule), ``room``, ``codec``, ``make``
(description to samples), ``library`` (folders of noise, rooms and background), ``stream`` (words spaced as in the
public six-word benchmark) and ``plan`` (the product of all options over a corpus). Nothing here is written to disk.
"""
