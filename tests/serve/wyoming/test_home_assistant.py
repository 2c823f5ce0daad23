"""What the page says of a real Home Assistant is what ``benchmarks/home_assistant`` wrote down."""

import json
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[3]
PAGE = " ".join((ROOT / "wakegate" / "serve" / "README.md").read_text(encoding="utf-8").split())
TOLD = json.loads((ROOT / "benchmarks" / "results" / "home_assistant.json").read_text(encoding="utf-8"))


def test_the_wake_service():
    wake = TOLD["wake_service"]
    heard = [one["heard_after_s"] for one in wake["recordings"] if one["heard"] == one["said"]]
    assert f"Home Assistant Core {TOLD['versions']['home_assistant']} was run" in PAGE
    assert f"{len(heard)} of {len(wake['recordings'])} recordings" in PAGE
    assert f"{median(heard):.2f} s after the word's end in the median and {max(heard):.2f} s at most" in PAGE
    for name in ("another_word_said", "talk_without_a_word"):
        assert (wake[name]["heard"], wake[name]["error"]) == (None, "wake-word-timeout")
    assert [one["heard"] for one in wake["two_at_once"]] == ["snowboy", "computer"]
    twice = {one["error"] for one in wake["the_same_word_twice_at_once"]}
    assert twice == {None, "duplicate_wake_up_detected"} and "duplicate_wake_up_detected" in PAGE
    assert wake["started_without_it"] == "unavailable" and f"after {wake['back_after_s']} s here" in PAGE
    assert wake["listed_after_s"] <= 30 and wake["words_listed_then"] == ["alexa", "view_glass"]
    assert wake["stopped"]["heard"] is wake["a_word_that_is_gone"]["heard"] is None


def test_the_microphone():
    mic = TOLD["satellite"]
    for name in ("without_a_grant", "muted_in_home_assistant"):
        assert mic[name]["pipelines_run"] == mic[name]["sound_at_home_assistant"] == []
    assert "refused nowhere_to_go" in mic["muted_in_home_assistant"]["wakegate"]
    for name in ("under_a_grant", "once_more", "granted_again", "unmuted_there", "after_a_restart"):
        (run,), (sound,) = mic[name]["pipelines_run"], mic[name]["sound_at_home_assistant"]
        assert "stt-end" in run and sound["is_what_was_spoken"]
    (run,) = mic["revoked_in_mid_sentence"]["pipelines_run"]
    assert "stt-start" in run and "stt-end" not in run and "error" not in run
    assert f"it is back after {mic['back_after_the_cut_s']} s" in PAGE
    assert f"We restarted: back after {mic['back_after_a_restart_s']} s" in PAGE
