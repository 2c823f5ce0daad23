"""Forms: how sound and its words are written down.

``labels`` (beside a file: Audacity, RTTM), ``entry`` (one recording of a list), ``manifest`` (JSON Lines, CSV),
``nemo`` and ``cuts`` (Lhotse). A line that is wrong names itself and what it should look like.
"""
