"""The only door: sound leaves through this folder or not at all.

Read in this order: ``limits``, ``endpoint`` (where an utterance ends), ``admission`` (may it leave?), ``gate`` (the
state machine) with ``utterance`` and ``note``, ``release``, ``sinks``, ``pipe_sink``, ``socket_sink`` and ``frames``
(live sound), ``clip``, ``seal``, ``sealer`` and ``outbox`` (sealed clips).
"""
