"""Field: engines on the sound of one's own rooms, live or recorded; scores and counts are kept, sound never.

``live`` (a source as stretches), ``shadow`` (two engines at once), ``ambient`` (hours without a wake word) and ``tune``
(a threshold for a budget of false accepts).
"""
