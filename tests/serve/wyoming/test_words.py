"""The words of a wake service, and whose they are after a reload. Around 5 s."""

import asyncio

import pytest

from tests.serve.wyoming.world import AudioStart, AudioStop, Detect, Detection, Event, chunks, serving, six_words, talk
from tests.serve.wyoming.world import until as read_until
from tests.wake.model import copy
from wakegate.errors import ConfigError, ModelError
from wakegate.serve.wyoming.words import Words
from wakegate.wake import catalogue, manifest


def test_who_names_words_after_having_asked_for_all_is_told_of_no_word_that_a_reload_brings():
    async def run():
        async with serving(offered=["alexa"]) as service, service.client() as client:
            for names in (None, ["alexa"]):  # the same word, asked for in two ways
                await client.write_event(Detect(names=names).event())
            await client.write_event(Event("ping", {"text": "understood?"}))
            await read_until(client, "pong")
            service.words.retune(None, {})
            await client.write_event(AudioStart(16_000, 2, 1).event())
            for chunk in chunks(six_words().tobytes()):
                await client.write_event(chunk)
            await client.write_event(AudioStop().event())
            await client.write_event(Event("ping", {"text": "done"}))
            return [one for one in await read_until(client, "pong") if Detection.is_type(one.type)]

    assert [Detection.from_event(one).name for one in talk(run())] == ["alexa"]


def another(folder):
    """The manifest of a second model, whose words are other ones."""

    def renamed(raw):
        for entry in (*raw["words"], *raw["operating_points"]):
            entry["word"] = f"my_{entry['word']}"

    return manifest.read(
        copy(folder, renamed, lambda data: data.replace(b"wakegate", b"wakegat3")).with_suffix(".json")
    )


def test_a_reload_while_ears_of_two_models_are_loaded_leaves_none_that_hears_what_has_no_name(tmp_path):
    first, second = catalogue.installed()[0], another(tmp_path)

    async def run():
        words = Words([first, second], None, {})
        words.load()
        words._idle = [ear for ear in words._idle if ear.model_sha256 == first.sha256]
        lent = words.lend(None, lambda: None)
        filled = asyncio.create_task(words.fill(lent))
        await asyncio.sleep(0)  # the first model's ear is there, the second's is being loaded
        words.retune(["alexa"], {})
        await filled
        return lent

    lent = talk(run())
    assert {word for ear in lent.ears for word in ear.words} == set(lent.names)


def test_one_model_under_two_manifests_is_refused_and_no_word_offered_that_nobody_listens_for(tmp_path):
    def renamed(raw):
        for entry in (*raw["words"], *raw["operating_points"]):
            entry["word"] = f"my_{entry['word']}"

    twin = manifest.read(copy(tmp_path, renamed).with_suffix(".json"))
    first = catalogue.installed()[0]
    for two in ([first, twin], [first, manifest.read(first.path.with_suffix(".json"))]):
        with pytest.raises(ConfigError, match=r"^\S+six\.onnx and \S+six\.onnx are one model, of the same sha256: "):
            Words(two, None, {})


def test_one_word_in_two_spellings_is_refused_at_a_start_and_at_a_reload():
    words = Words(catalogue.installed(), ["computer"], {})
    with pytest.raises(ModelError, match="names 'smart_mirror' twice"):
        Words(catalogue.installed(), ["smart mirror", "smart_mirror"], {})
    with pytest.raises(ModelError, match="names 'Computer' twice"):
        words.retune(["computer", "Computer"], {})
    assert [*words.offered] == ["computer"]
