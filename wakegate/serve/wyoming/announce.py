"""Announce: say on the local network where the wake service is, so that Home Assistant finds it by itself.

Owns multicast DNS, and only where a person asked for it by a name of their own: the usual default, the hardware
address, would mark the device for good.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ...errors import ConfigError
from .address import Address

_TYPE = "_wyoming._tcp.local."
_MULTICAST = ("224.0.0.251", 5353)
_LOOK_MS = 3000
"""How long to look for another one of the same name, who may take over a second to answer."""


def checked(name: str | None, address: Address) -> Address:
    """Return an address; ConfigError where it cannot be announced, unless ``name`` is None."""
    if name is not None and (address.on_this_device or ":" in address.host or not address.port):
        raise ConfigError(f"{address} is not there for others: announce an IPv4 address, as in tcp://0.0.0.0:10400")
    return address


@contextmanager
def announced(name: str | None, address: Address) -> Iterator[None]:
    """Announce a TCP address under a name while the context lasts; nothing at all where ``name`` is None.

    Raises
    ------
    ConfigError
        Where others could not reach the address, the name is unfit, or the ``zeroconf`` package is missing.
    """
    if name is None:
        yield
        return
    checked(name, address)
    try:
        from zeroconf import Error, ServiceInfo, Zeroconf
    except ImportError as error:
        raise ConfigError("the zeroconf package is not installed: pip install 'wakegate[zeroconf]'") from error
    with ExitStack() as stack:
        try:
            own = _own_address() if address.host == "0.0.0.0" else address.host  # noqa: S104
            about = ServiceInfo(_TYPE, f"{name}.{_TYPE}", addresses=[socket.inet_aton(own)], port=address.port)
            speaker = Zeroconf()
            stack.callback(speaker.close)
            # Whoever registers is told too, but only of those who answer within the second that it waits.
            other = ServiceInfo(_TYPE, about.name)
            other.request(speaker, _LOOK_MS)
            if other.port is not None:  # it is there, address or not: zeroconf 0.154 passes over one before the port
                raise Error("another one on this network has it")
            stack.callback(speaker.unregister_all_services)
            speaker.register_service(about)
        except (OSError, Error) as error:
            why = str(error) or type(error).__name__
            raise ConfigError(
                f"{address} cannot be announced as {name!r} ({why}): give an IP address of yours, and a name that no "
                "other device has"
            ) from error
        yield


def _own_address() -> str:
    """Return the address from which this device speaks to its network; asks the routing table, and sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_MULTICAST)
        return str(probe.getsockname()[0])
