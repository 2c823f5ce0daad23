"""Measure: how often an engine wakes falsely, and how often it misses.

Read in this order: ``recording`` (a stretch of sound and what was said in it), ``labels``, ``manifest`` and ``corpus``
(where that is written down), ``matching`` (detections against references), ``engines`` (who detects), ``run`` (each
engine over each recording), ``tally`` (what was found, as arrays), ``curve`` (every threshold at once), ``bootstrap``,
``compare`` and ``sequential`` (what the counts prove), ``measured``, ``detections``, ``mistakes`` and ``result`` (all
of it as one document), ``rounding`` and ``report`` (that document as a page). May use the ear (``audio``, ``wake``)
and never what consent, gate and journal keep.
"""
