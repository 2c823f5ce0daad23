"""Own: a word of one's own, as a head on the shipped trunk: ``wakegate train``.

Read in the order of a run: ``phrase`` (what can be a wake word), ``pronounce`` and ``near`` (what sounds like it),
``gather`` (recordings and background to clips, split), ``plan`` (what will be used, and for how long), ``folder``
(where it lies until it is finished), ``twin`` (the shipped file's weights as torch modules), ``head`` and ``learn``
(both stages of the word), ``graft`` (both into the shipped file), ``judge`` (thresholds, operating points and the
page), ``run`` (all of it, resumable).
"""
