"""How the models are made: corpora, augmentation, network, fit, export. Needs the extra ``train``.

Read in the order the data goes: ``corpus`` (files to clips, split by speaker), ``rooms`` (impulse responses),
``augment`` (clips to examples), ``shards`` and ``draw`` (examples on disk, the hard ones more often), ``network`` and
``fit`` (the first stage and its weights), ``verifier`` and ``verify`` (the second), ``graph``, ``branch`` and
``export`` (both as one ONNX file and its manifest), ``evaluate`` (a file to operating points). ``voices`` are who
speaks; ``own`` adds a word of anybody's to a finished model. The listening path imports none of it.
"""
