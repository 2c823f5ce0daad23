"""Wyoming: the protocol of Home Assistant's voice services, spoken over TCP, a unix socket or stdio.

Read in this order: ``address`` (where), ``line`` (bytes in and out), ``inbox`` (events, bounded), ``door`` (who may
come in, and how many), ``running`` (signals, and a service manager), ``messages`` (what is said, by the ``wyoming``
package), then the two services: ``wake`` with ``words``, ``hearing`` and ``pcm`` (a client's sound in, detections out),
and ``microphone`` (the gate's sound out, after a wake and under a grant). ``announce`` is for who asks for it.

The ``wyoming`` package's own server reads a payload of any length into memory, takes events of any shape and any number
of clients: bytes come in through ``inbox`` instead, and the package says how messages look.
"""
