"""Enrol: a word from a few recordings, without any training: ``wakegate enrol``.

Read in the order of a run: ``takes`` (recordings, checked, and where the word lies in each), ``hearing`` (what the
shipped trunk makes of sound), ``template`` (the average of the takes, and how like it a moment is), ``tail`` (likeness
to a score that means something), ``word`` (both together), ``hang`` (into the model file), ``talk`` (sound without it),
``run`` (all of it). Nothing here needs torch.
"""
