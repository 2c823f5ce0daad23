"""How the models are made: corpora, augmentation, network, fit, export. Needs the extra ``train``.

Read in the order the data goes: ``corpus`` (files to clips, split by speaker), ``bounds`` (where in people's own
recordings the word lies), ``rooms`` (impulse responses),
``hard`` (moments of the background worth hearing again), ``augment`` (clips to examples), ``shards`` and ``draw``
(examples on disk, all or those worth learning from), ``teacher`` (what another recogniser hears in them), ``network``
and ``fit`` (the first stage and its weights), ``verifier``, ``throat``, ``ensemble``, ``lesson`` and ``verify`` (the
second), ``graph``, ``causal``, ``branch`` and ``export`` (both as one ONNX file and its manifest), ``evaluate`` (a file
to operating points). ``voices`` are who speaks; ``own`` trains a word of anybody's onto a finished model, ``enrol``
makes one of a few recordings. The listening path imports none of it.
"""
