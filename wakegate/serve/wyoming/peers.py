"""Peers: who is at the other end of a connection: which user's program, on which device.

Owns both answers. Never lets anybody in or out: that is the door's business.
"""

import ipaddress
import socket
import struct
from pathlib import Path


def device(peer: socket.socket) -> str:
    """Return the other device that a connection comes from; "" for this one. OSError where it is gone."""
    return "" if peer.family == socket.AF_UNIX else beyond(peer.getpeername()[0], peer.getsockname()[0])


def beyond(theirs: str, ours: str) -> str:
    """Return which other device an address names, to one of ours; "" where it is this device.

    Whoever has an IPv6 address has all of its network of 64 bits: that counts as one device, but for our own network,
    which is full of honest ones. An IPv4 address is one device's: a machine that takes many is of our own network as a
    rule, and all who are honest there have its prefix too, so that to count by prefix would put them under its share.
    """
    found = ipaddress.ip_address(theirs.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_loopback or theirs == ours:
        return ""
    network = ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False)
    here = found.is_link_local or ipaddress.ip_address(ours.partition("%")[0]) in network
    return str(found if found.version == 4 or here else network)


def user(peer: socket.socket) -> int | None:
    """Return the user id of the program at the other end of a connection on this device; None where nobody knows."""
    if peer.family == socket.AF_UNIX:
        size = struct.calcsize("3i")
        return int(struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])
    try:
        theirs, ours = _in_hex(peer.getpeername()), _in_hex(peer.getsockname())
        with Path("/proc/net", "tcp6" if peer.family == socket.AF_INET6 else "tcp").open() as table:
            for row in table:
                # proc(5): sl local_address rem_address st tx:rx tr:when retrnsmt uid ...; its remote address is ours.
                fields = row.split()
                if fields[1:3] == [theirs, ours]:
                    return int(fields[7])
    except (OSError, ValueError, IndexError):
        pass
    return None


def _in_hex(name: tuple[str, int]) -> str:
    """Return an address as /proc/net/tcp has it: 32-bit words of this machine's byte order, in hex."""
    family = socket.AF_INET6 if ":" in name[0] else socket.AF_INET
    words = struct.iter_unpack("=I", socket.inet_pton(family, name[0]))
    return "".join(f"{word:08X}" for (word,) in words) + f":{name[1]:04X}"
