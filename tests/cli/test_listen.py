"""``wakegate listen`` on files and stdin, with ledger and journal of its own. Around 10 s."""

import contextlib
import json
import select
import signal
import stat

import numpy as np
import pytest
import soundfile

from tests.cli.process import RATE, SCENE, SIX_WORDS, bad_files, command, environment, place, six_words, started
from wakegate.cli import main
from wakegate.cli.person import open_ledger
from wakegate.consent.clock import SystemClock
from wakegate.consent.grant import Act, Surface
from wakegate.events import KINDS, SCHEMA, Purpose
from wakegate.journal import read

PIPE = 1 << 20  # holds every released sample, so that a busy machine is no slow consumer


@pytest.fixture
def listen(tmp_path, monkeypatch, capsys):
    """Run the command in this process, in a home of its own."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)

    def run(*words):
        code = main(["listen", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    yield run
    signal.signal(signal.SIGTERM, before)


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def on_record(home):
    return [entry.kind for entry in read(place(home)) if entry.kind != "exposure"]


def grant(home, purpose=Purpose.ASSIST):
    ledger = open_ledger(SystemClock(), place(home).prepare())
    ledger.grant(purpose, act=Act(Surface.SCREEN, "touched yes"))
    return ledger


def frames(stream):
    """Read a live stream as gate/frames.py says it is written: [(header, (n,) int16, end)]."""
    utterances, at = [], 0
    while at < len(stream):
        line, _, _ = stream[at:].partition(b"\n")
        at += len(line) + 1
        samples = b""
        while count := int.from_bytes(stream[at : at + 4], "little"):
            assert count % 2 == 0 and count <= 2560
            samples += stream[at + 4 : at + 4 + count]
            at += 4 + count
        last, _, _ = stream[at + 4 :].partition(b"\n")
        at += 4 + len(last) + 1
        utterances.append((json.loads(line), np.frombuffer(samples, "<i2"), json.loads(last)))
    return utterances


def inside(part, whole):
    """Where ``part`` lies in ``whole``."""
    starts = np.flatnonzero(whole == part[0])
    return [int(at) for at in starts if np.array_equal(whole[at : at + len(part)], part)]


# Events.


def test_events_as_json_lines_and_on_record(listen, tmp_path):
    code, out, err = listen("--input", SIX_WORDS, "--json")
    assert code == 0 and err == ""
    events = lines(out)
    for event in events:
        names = {"schema", "kind", "at", "at_s"} | set(KINDS[event["kind"]].__dataclass_fields__)
        assert set(event) == names and event["schema"] == SCHEMA
        assert event["at_s"] == pytest.approx(event["at"] / RATE, abs=0.001)
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "started" and kinds[-1] == "stopped"
    assert events[-1]["reason"] == "end_of_sound" and events[0]["source"] == "file six_words.flac"
    assert "alexa" in [event["word"] for event in events if event["kind"] == "wake"]
    assert kinds.count("refused") == kinds.count("wake") == kinds.count("wiped")
    assert {event["reason"] for event in events if event["kind"] == "refused"} == {"no_grant"}
    assert on_record(tmp_path) == kinds


def test_events_for_people(listen):
    code, out, _ = listen("--input", SIX_WORDS, "--words", "alexa")
    assert code == 0 and "alexa" in out and " s  " in out.splitlines()[0]


def test_what_is_kept_is_the_owners_alone_and_small(listen, tmp_path):
    listen("--input", SIX_WORDS, "--json")
    files = [path for path in place(tmp_path).path.rglob("*") if path.is_file()]
    assert stat.S_IMODE(place(tmp_path).path.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert sum(path.stat().st_size for path in files) < 40_000 < len(six_words()) * 2, "no sound is in it"
    assert {path.name for path in tmp_path.iterdir()} == {"state"}, "nothing is written anywhere else"


def test_the_words_asked_for_and_no_others(listen):
    _, out, _ = listen("--input", SIX_WORDS, "--words", "Smart Mirror", "--json")
    events = lines(out)
    assert events[0]["words"] == ["smart_mirror"]
    assert {event["word"] for event in events if "word" in event} == {"smart_mirror"}


def test_thresholds_of_one_word_and_of_all(listen):
    def thresholds(*more):
        code, out, err = listen("--input", SIX_WORDS, "--words", "alexa,smart mirror", "--json", *more)
        assert code == 0, err
        return {(e["word"], e["kind"], e["threshold"]) for e in lines(out) if e["kind"] in ("wake", "near_miss")}

    assert thresholds("--threshold", "1") == {("alexa", "near_miss", 1.0), ("smart_mirror", "near_miss", 1.0)}
    found = thresholds("--threshold", "0.2", "--threshold", "Smart Mirror=1")
    assert ("alexa", "wake", 0.2) in found and ("smart_mirror", "near_miss", 1.0) in found


def test_a_config_gives_words_and_thresholds_and_the_command_line_comes_first(listen, tmp_path):
    config = tmp_path / "wakegate.toml"
    config.write_text('[wake]\nwords = ["Smart Mirror", "alexa"]\nthresholds = { alexa = 1, "smart mirror" = 0.2 }\n')
    _, out, _ = listen("--input", SIX_WORDS, "--json", "--config", config)
    events = lines(out)
    assert events[0]["words"] == ["smart_mirror", "alexa"]
    assert {e["word"]: e["threshold"] for e in events if "threshold" in e}["alexa"] == 1.0
    _, out, _ = listen("--input", SIX_WORDS, "--json", "--config", config, "--words", "alexa", "--threshold", "0.3")
    events = lines(out)
    assert events[0]["words"] == ["alexa"]
    assert {(e["word"], e["threshold"]) for e in events if "threshold" in e} == {("alexa", 0.3)}


# Stdin.


def test_raw_sound_on_stdin_is_the_same_as_the_file(listen, tmp_path):
    _, out, _ = listen("--input", SIX_WORDS, "--json")
    (tmp_path / "other").mkdir()
    done = command(tmp_path / "other", "listen", "--input", "-", "--json", stdin=six_words().tobytes())
    assert done.returncode == 0, done.stderr

    def bare(events):
        return [{k: v for k, v in event.items() if k not in ("id", "source")} for event in events]

    assert bare(lines(done.stdout.decode())) == bare(lines(out))


def test_raw_sound_of_another_rate_and_two_channels(tmp_path):
    stereo = np.repeat(np.repeat(six_words()[: 3 * RATE], 2)[:, None], 2, axis=1)  # 32 kHz, crude but speech
    words = ("--input", "-", "--rate", "32000", "--channels", "2", "--words", "alexa", "--json")
    done = command(tmp_path, "listen", *words, stdin=stereo.tobytes())
    assert done.returncode == 0 and "wake" in [event["kind"] for event in lines(done.stdout.decode())], done.stderr


@pytest.mark.parametrize(
    ("stdin", "said"),
    [(b"", "0 bytes"), (b"\0" * 3201, "inside a sample"), (b"RIFF" + b"\0" * 4000, "not raw samples")],
    ids=["nothing", "half a sample", "a WAV file"],
)
def test_what_is_no_raw_sound_is_said_and_the_end_is_on_record(tmp_path, stdin, said):
    done = command(tmp_path, "listen", "--input", "-", "--json", stdin=stdin)
    assert done.returncode == 1 and said in done.stderr.decode() and b"Traceback" not in done.stderr
    assert on_record(tmp_path) == ["started", "stopped"]


# Ends.


def waiting(home, *words):
    """Start it on a stdin that stays open, and wait until it listens."""
    process = started(home, "listen", "--input", "-", "--json", *words)
    assert select.select([process.stdout], [], [], 30)[0]
    assert json.loads(process.stdout.readline())["kind"] == "started"
    process.stdin.write(np.zeros(RATE, np.int16).tobytes())
    process.stdin.flush()
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_from_outside_is_clean_and_on_record(tmp_path, number):
    with waiting(tmp_path) as process:
        process.send_signal(number)
        assert process.wait(20) == 0
        out, err = process.stdout.read(), process.stderr.read()
        process.stdin.close()
    (stopped,) = [entry for entry in read(place(tmp_path)) if entry.kind == "stopped"]
    assert stopped.values["reason"] == "stopped" and on_record(tmp_path) == ["started", "stopped"]
    assert [event["kind"] for event in lines(out.decode())] == ["stopped"] and err == b""


# Live sound on stdout. A file would come as slowly as it was spoken; raw sound on stdin comes as fast as it is read.


def scene():
    return soundfile.read(SCENE, dtype="int16")[0]


def assisted(home):
    words = ("--input", "-", "--words", "computer", "--assist", "stdout", "--json")
    return command(home, "listen", *words, stdin=scene().tobytes(), pipesize=PIPE)


def test_without_a_grant_not_one_byte_leaves(tmp_path):
    done = assisted(tmp_path)
    assert done.returncode == 0 and done.stdout == b""
    events = lines(done.stderr.decode())
    assert "wake" in [event["kind"] for event in events], "nothing was there to be kept back"
    assert {event["reason"] for event in events if event["kind"] == "refused"} == {"no_grant"}


def test_with_a_grant_the_frames_are_as_they_are_documented(tmp_path):
    grant(tmp_path)
    done = assisted(tmp_path)
    assert done.returncode == 0, done.stderr
    events = lines(done.stderr.decode())
    wakes = {event["id"]: event for event in events if event["kind"] == "wake"}
    released = {event["id"]: event for event in events if event["kind"] == "released"}
    utterances = frames(done.stdout)
    assert [header["event"] for header, _, _ in utterances] == list(wakes) and len(utterances) >= 2
    for header, samples, end in utterances:
        wake = wakes[header["event"]]
        assert header == {
            "schema": SCHEMA, "event": wake["id"], "word": "computer", "score": wake["score"],
            "threshold": wake["threshold"], "sample_rate": RATE, "format": "s16le", "channels": 1,
            "word_start": header["word_start"], "word_end": header["word_end"],
        }  # fmt: skip
        assert header["word_end"] - header["word_start"] == wake["end"] - wake["start"]
        assert end["samples"] == len(samples) > RATE // 2
        assert end["complete"] is (end["reason"] in ("endpoint", "no_speech", "max_length"))
        (at,) = inside(samples, scene())
        assert at + header["word_start"] == wake["start"], "what was sent is the utterance, bit for bit"
        if header["event"] in released:
            assert (at, at + len(samples)) == (released[wake["id"]]["start"], released[wake["id"]]["end"])


def test_a_revoked_grant_is_no_grant(tmp_path):
    ledger = grant(tmp_path)
    ledger.revoke(Purpose.ASSIST)
    done = assisted(tmp_path)
    assert done.returncode == 0 and done.stdout == b""
    reasons = {e["reason"] for e in lines(done.stderr.decode()) if e["kind"] == "refused" and e["purpose"] == "assist"}
    assert reasons == {"revoked"}


# An assistant that dies.


def left(home, *, after):
    """Let the assistant go after so many bytes, and give the scene, and a silence whose end nobody writes."""
    words = ("--input", "-", "--words", "computer", "--assist", "stdout", "--json")
    with started(home, "listen", *words) as process:
        process.stdin.write(scene().tobytes() if after else bytes(RATE))
        process.stdin.flush()
        assert len(process.stdout.read(after)) == after
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(bytes(20 * RATE))
            process.stdin.flush()
        said = process.stderr.read().decode()  # to its end, with stdin still open
        assert process.wait(20) == 1
    *events, last = said.splitlines()
    assert last == "wakegate: the assistant closed its end of the pipe, to which nobody can come back: start both again"
    return lines("\n".join(events))


def test_an_assistant_that_dies_in_a_request_ends_the_release_and_the_listening(tmp_path):
    grant(tmp_path)
    *_, aborted, wiped, stopped = left(tmp_path, after=4000)
    assert (aborted["kind"], aborted["detail"]) == ("aborted", "the assistant closed its end of the pipe")
    assert aborted["reason"] == "sink_failed" and wiped["kind"] == "wiped" and stopped["kind"] == "stopped"


def test_an_assistant_that_dies_between_requests_ends_the_listening(tmp_path):
    assert [event["kind"] for event in left(tmp_path, after=0)] == ["started", "stopped"]


# What is asked for wrongly.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "7"], "the threshold for 'alexa' is 7"),
        (["--threshold", "computer=0"], "the threshold for 'computer' is 0"),
        (["--threshold", "high"], "'high' is not a number"),
        (["--threshold", "alexa=0.001/h"], "'alexa' was measured at 0.001/h or less: its model was"),
        (["--threshold", "alexa="], "is not a number"),
        (["--threshold", "hal=0.7"], "'hal'"),
        (["--words", "hal"], "no installed model knows hal"),
        (["--words", ","], "names no word"),
        (["--words", "alexa,Alexa"], "'Alexa' twice"),
        (["--model", "six"], "name its NAME.onnx"),
        (["--assist", "tcp:1.2.3.4:80"], "give, for example, unix:$XDG_RUNTIME_DIR/wakegate-assist.sock"),
        (["--assist", "unix:"], "--assist 'unix:' is not unix:PATH"),
        (["--assist", "foo", "--words", "hal"], "--assist 'foo' is not unix:PATH"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_typed_wrongly_is_said_and_no_reason_to_start_again(listen, words, said):
    code, out, err = listen("--input", SIX_WORDS, *words)
    assert code == 2 and out == "" and err.startswith("wakegate: ") and said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--assist", "unix:/nowhere/assist.sock"], "make its folder, `mkdir -p -m 700 /nowhere`"),
        (["--config", "gone.toml"], "gone.toml cannot be read"),
        (["--model", "gone.onnx"], "there is no manifest"),
        (["--channel", "9"], "channel"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_may_be_there_at_the_next_start(listen, words, said):
    code, out, err = listen("--input", SIX_WORDS, *words)
    assert code == 1 and out == "" and err.startswith("wakegate: ") and said in err


def test_a_config_that_would_not_do_is_mended_elsewhere_and_found_again(listen, tmp_path):
    """A service that is started again and again comes up by itself, once somebody has."""
    settings = tmp_path / "wakegate.toml"
    settings.write_text("[wake]\nwords = ['hal']\n")
    code, out, err = listen("--input", SIX_WORDS, "--config", settings)
    assert (code, out) == (1, "") and f"{settings}: in [wake], no installed model knows hal" in err
    assert listen("--input", SIX_WORDS, "--config", settings, "--words", "alexa")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--events", "foo"], "--events 'foo'"), (["--on", "wake"], "--on"), (["--channel", "0"], "'0' is no channel")],
    ids=" ".join,
)
def test_what_is_typed_wrongly_is_said_before_a_microphone_is_looked_for(tmp_path, words, said):
    done = command(tmp_path, "listen", *words)
    assert done.returncode == 2 and said in done.stderr.decode() and b"microphone" not in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("wrong", ["channel = 0", "device = ''"])
def test_a_microphone_that_could_not_be_is_refused_though_a_file_is_heard_instead(listen, tmp_path, wrong):
    (tmp_path / "wakegate.toml").write_text(f"[microphone]\n{wrong}\n")
    code, out, err = listen("--input", SIX_WORDS, "--config", tmp_path / "wakegate.toml")
    assert code == 1 and out == "" and f"{wrong.split()[0]} in [microphone] is" in err


def test_a_config_that_consents_is_refused(listen, tmp_path):
    config = tmp_path / "wakegate.toml"
    config.write_text("[consent]\nassist = true\n")
    code, out, err = listen("--input", SIX_WORDS, "--config", config)
    assert code == 1 and out == "" and "consent is a person's act" in err


@pytest.mark.parametrize("name", ["missing.wav", "text.wav", "empty.flac", "truncated.wav", "folder.wav"])
def test_what_is_no_sound_is_said(listen, tmp_path, name):
    code, out, err = listen("--input", bad_files(tmp_path)[name])
    assert code == 1 and out == "" and name in err


def test_a_file_that_goes_wrong_on_the_way_is_said_and_its_end_is_on_record(listen, tmp_path):
    code, out, err = listen("--input", bad_files(tmp_path)["nan.wav"], "--json")
    assert code == 1 and "nan.wav" in err
    assert [event["kind"] for event in lines(out)] == ["started"] and on_record(tmp_path) == ["started", "stopped"]


def test_no_place_for_a_journal_is_said(listen, tmp_path):
    (tmp_path / "state").write_text("in the way")
    code, out, err = listen("--input", SIX_WORDS)
    assert code == 1 and out == "" and "cannot be made" in err


def test_nobody_is_told_of_reviews_that_nobody_opted_in_to(listen, tmp_path):
    _, out, _ = listen("--input", SIX_WORDS, "--words", "alexa")
    assert out.count("not released for assist") == 1 and "review" not in out
    assert on_record(tmp_path).count("refused") == 1


@pytest.mark.parametrize("words", [["--rate", "8000"], ["--channels", "2"]])
def test_what_describes_stdin_is_not_for_a_file(listen, words):
    code, out, err = listen("--input", SIX_WORDS, *words)
    assert code == 2 and out == "" and "--input -" in err
