"""MQTT: tells a broker what happens, as it happens.

Owns the connection (on paho's own thread) and the topics. An event is sent at most once and at once: what could not be
sent is dropped and told once, and the journal has it; a wake word that arrives a minute late would start an assistant
that nobody called. Must never hold up the listener, publish audio, or subscribe to anything: there is no message that
this process could take, so none can grant, mute or release.

::

    PREFIX/SITE/events              every event, one JSON object, as `wakegate listen --json` prints it
    PREFIX/SITE/status              "online" or "offline", retained; the broker says "offline" for us if we vanish
    hermes/hotword/WORD/detected    each wake, as Hermes assistants (Rhasspy) expect it
"""

import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..events import Event, Wake
from . import hermes
from .broker import Broker

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

_log = logging.getLogger(__name__)

WAITING = 100
"""Messages that may wait for a slow broker; what comes then is dropped."""
KEEPALIVE_S, RETRY_S = 15, 30
PATIENCE_S = 3.0


class Publisher:
    """Tells a broker what happens; use it in a ``with`` statement.

    Parameters
    ----------
    broker : Broker
        Whom to tell.
    words : sequence of str
        The wake words: each is part of a topic.
    model_sha256 : str
        The model's, for Hermes' ``modelVersion``.
    prefix, site : str
        What the JSON topics begin with, and this device's name; ``site`` is Hermes' ``siteId``.

    Raises
    ------
    ConfigError
        If paho-mqtt is missing, certificates cannot be read, or a name cannot be part of a topic.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        words: Sequence[str],
        model_sha256: str,
        prefix: str = "wakegate",
        site: str = "default",
    ) -> None:
        for name, part in (("prefix", prefix), ("site", site), *(("word", word) for word in words)):
            check_part(name, part)
        self._model, self._site, self._topic = model_sha256, site, f"{prefix}/{site}"
        self._sent: deque[MQTTMessageInfo] = deque()
        self._missed = 0
        self._why = ""
        self._connected, self._gone = threading.Event(), threading.Event()
        self._address = f"{broker.host}:{broker.port}"
        self._client = self._prepared(broker)

    def __enter__(self) -> "Publisher":
        """Connect, and wait a little for it; without a broker go on, and keep trying."""
        self._client.loop_start()
        if not self._connected.wait(PATIENCE_S):
            _log.warning("no broker at %s yet%s: listening goes on, and so do the attempts", self._address, self._why)
        return self

    def __exit__(self, *_: object) -> None:
        """Say that this is the end, as far as the broker takes it soon, and disconnect."""
        if self._client.is_connected():
            self._sent.append(self._publish_status("offline"))
            until = time.monotonic() + PATIENCE_S
            while self._waiting() and time.monotonic() < until:
                time.sleep(0.01)
        self._client.disconnect()
        # A thread that hangs in a connection is not waited for: it is a daemon, and ends with the process.
        if self._gone.wait(PATIENCE_S if self._connected.is_set() else 0):
            self._client.loop_stop()

    def tell(self, event: Event) -> None:
        """Publish an event, or drop it if nobody takes it now. Never waits."""
        messages = [(f"{self._topic}/events", event.to_json())]
        if isinstance(event, Wake):
            fields = hermes.detected(event, model_sha256=self._model, site=self._site)
            messages.insert(0, (hermes.topic(event.word), json.dumps(fields)))
        if not self._client.is_connected() or self._waiting() + len(messages) > WAITING:
            self._miss()
            return
        for topic, text in messages:
            self._sent.append(self._client.publish(topic, text))
        if self._missed:
            _log.warning("the broker at %s takes events again: %d were not sent", self._address, self._missed)
            self._missed = 0

    def _miss(self) -> None:
        """Count an event that was not sent; tell the first."""
        self._missed += 1
        if self._missed == 1:
            _log.warning(
                "events are not sent, the broker at %s %s: the journal has them",
                self._address,
                "is slow" if self._client.is_connected() else f"is away{self._why}",
            )

    def _waiting(self) -> int:
        """Return how many messages have not left this process yet."""
        while self._sent and (self._sent[0].rc or self._sent[0].is_published()):
            self._sent.popleft()
        return len(self._sent)

    def _prepared(self, broker: Broker) -> "Client":
        """Make a client that is not connected yet."""
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise ConfigError("--mqtt needs paho-mqtt: pip install 'wakegate[mqtt]'") from error
        client = Client(CallbackAPIVersion.VERSION2)  # no client id: the broker gives one, new each time
        if broker.tls:
            try:
                client.tls_set(ca_certs=None if broker.ca is None else str(broker.ca))
            except OSError as error:
                raise ConfigError(f"the certificates {broker.ca} cannot be read ({error}): give a PEM file") from error
        if broker.login is not None:
            client.username_pw_set(*broker.login)
        client.will_set(f"{self._topic}/status", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, RETRY_S)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.connect_async(broker.host, broker.port, KEEPALIVE_S)
        return client

    def _publish_status(self, status: str) -> "MQTTMessageInfo":
        return self._client.publish(f"{self._topic}/status", status, qos=1, retain=True)

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        """Say that we are here; called on paho's thread, as are the next two."""
        if reason.is_failure:
            self._why = f" ({reason})"
            return
        self._why = ""
        self._gone.clear()
        self._publish_status("online")
        self._connected.set()

    def _on_connect_fail(self, *_: object) -> None:
        """Keep why there is no connection: paho calls this while it handles the error, and does not hand it over."""
        self._why = f" ({sys.exc_info()[1]})"

    def _on_disconnect(self, *_: object) -> None:
        self._gone.set()


def check_part(name: str, part: str) -> None:
    """Refuse what cannot be part of a topic, or would be somebody else's; a prefix may have levels."""
    levels = part.split("/") if name == "prefix" else [part]
    if not all(level and level.isprintable() and not set(level) & set("/+#$") for level in levels):
        raise ConfigError(f"the {name} {part!r} cannot be part of an MQTT topic: leave out +, #, $ and empty levels")
    if name == "prefix" and levels[0] == "hermes":
        raise ConfigError("the prefix 'hermes' is the assistant's own: choose another")
