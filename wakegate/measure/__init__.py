"""Measure: how often an engine wakes falsely, and how often it misses.

Read in this order: ``recording`` (a stretch of sound and what was said in it), ``forms`` and ``corpus`` (where that is
written down), ``conditions`` (noise, rooms, codecs and spacing, made on the fly), ``sound`` (what an engine gets of it
all), ``engines`` (who detects), ``listening`` (each engine over each recording, in many processes), ``counts`` (what
was found, and what it proves), ``measured``, ``detections``, ``mistakes``, ``clips`` and ``result`` (all of it as one
document), ``rounding`` and ``report`` (that document as a page). Beside that ``field``: engines on live sound, and a
threshold for a budget. May use the ear (``audio``, ``wake``) and never what consent, gate and journal keep.
"""
