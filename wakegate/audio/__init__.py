"""Sound comes in: sources fill memory that the Ring lends, as 16 kHz mono int16.

Owns formats, resampling, the sources (file, array, raw stream, microphone) and the Ring, the only holder of past audio.
Never decides what sound means or where it may go, and never writes it anywhere. Read ``block`` first, then ``ring``.
"""
