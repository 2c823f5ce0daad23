"""Plugins: wakegate inside other people's programs, in the shapes that they expect.

``ovos`` and ``porcupine`` are the ear alone, in the wake-word interfaces of OVOS and Porcupine: there the host program
owns the microphone, so no gate stands there. ``mqtt`` tells a broker what happens in ``wakegate listen``: events, never
audio.
"""
