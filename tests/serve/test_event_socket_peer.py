"""Framing on the event socket: whatever comes, in whatever pieces, is its lines, or one that is too long. 1 s."""

import json
import socket

from hypothesis import given, settings
from hypothesis import strategies as st

from wakegate.serve.event_socket_peer import LONGEST_LINE, Peer

LONG = [LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1, LONGEST_LINE + 2, 3 * LONGEST_LINE]
parts = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\n", b"\n\n\n", b"\r\n", b'{"command": "status"}\n', b"\0", b"\xff\n"]),
    st.sampled_from(LONG).map(lambda count: b"x" * count),
    st.sampled_from(LONG).map(lambda count: b"y" * count + b"\n"),
)


def framed(stream):
    """Return the lines that a program said, and whether it said one that is too long."""
    *whole, rest = stream.split(b"\n")
    for place, line in enumerate(whole):
        if len(line) > LONGEST_LINE:
            return whole[:place], True
    return whole, len(rest) > LONGEST_LINE


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(pieces=st.lists(parts, max_size=8), hangs_up=st.booleans())
def test_any_bytes_in_any_pieces_are_their_lines_or_one_that_is_too_long(pieces, hangs_up):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer, lines = Peer(ours), []

        def rounds(count):
            for _ in range(count):  # as the socket's thread does: a line each in a round
                peer.receive(0.0)
                if (line := peer.line()) is not None:
                    lines.append(line)
                assert len(peer._came) <= LONGEST_LINE + 1

        for piece in pieces:
            theirs.sendall(piece)
            rounds(1)
        if hangs_up:
            theirs.shutdown(socket.SHUT_WR)
        stream = b"".join(pieces)
        rounds(2 * stream.count(b"\n") + len(stream) // LONGEST_LINE + 3)
        expected, too_long = framed(stream)
        assert lines == expected and peer.leaving is too_long and not peer.waiting
        peer.send()
        assert peer.over(0.0) is (hangs_up or too_long)
        theirs.setblocking(False)
        if too_long:
            said = json.loads(theirs.recv(1000))
            assert (said["kind"], said["error"]) == ("dropped", f"a command has at most {LONGEST_LINE} bytes")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(pieces=st.lists(parts, max_size=4))
def test_a_program_that_is_torn_off_ends_there(pieces):
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(b"".join(pieces))
        peer = Peer(ours)
        peer.say("unread", 0.0)
        peer.send()
        theirs.close()  # with something unread: a broken connection
        for _ in range(200):
            peer.receive(0.0)
            peer.line()
            peer.say("more", 0.0)
            peer.send()
        assert peer.over(3.0)
