"""How the models are made: corpora, augmentation, network, fit, export. Needs the extra ``train``.

Read in the order the data goes: ``corpus`` (files to clips, split by speaker), ``rooms`` (impulse responses),
``augment`` (clips to examples), ``network`` (the torch twin of the streaming graph), ``fit`` (examples to weights),
``evaluate`` (weights to operating points), ``export`` (weights to ONNX and its manifest). The listening path imports
none of it.
"""
