"""Phrases: what synthetic voices say, as data.

Owns the words with their pronunciations by people of many first languages (IPA), and the phrases that sound like them.
"""

from .corpus import WORDS

ACCENTS: dict[str, tuple[str, ...]] = {
    "alexa": tuple("əlˈɛksə alˈɛksa alˈeksa əlˈɛɡzə alɛksˈa ɐlˈɛksɐ ɑlˈɛksɑ ælˈɛksə əlˈɛksɐ alˈɛksə".split()),
    "computer": tuple(
        "kəmpjˈuːtə kɔmpjˈuːʈəɾ kompjˈutɛr kɔmpjˈuːtɐ kompjutˈɛʁ kəmpˈuːtə kɔmpjˈuɾəɹ kʌmpjˈuːʈəɹ kəmpjˈuːʔə "
        "kompjˈutər kɔmpjˈutəɹ kʰəmpʰjˈuːtʰə kɑmpjˈuɾɚ kəmpjˈutɐ".split()
    ),
    "jarvis": tuple(
        "ʤˈɑːrvɪs ʤˈɑːʋɪs ʤˈarvis ʤˈɑːɾvɪs ʒaʁvˈis ʤˈaːɐvɪs ʤˈɑːwɪs ʧˈɑɹvɪs ʤˈɑɹvəs ʤˈaːvis ʤˈɑɹfɪs".split()
    ),
    "smart_mirror": (
        "smˈɑːrt mˈɪrər", "smˈaʁt mˈiʁɔʁ", "smˈɑːʈ mˈɪɾəɾ", "smˈart mˈiror", "smˈɑːʔ mˈɪɹə", "zmˈart mˈiror",
        "smˈɑɹt mˈɪɹ", "smˈɑːt mˈiɹə", "ɛsmˈart mˈiror", "smˈɑɹʔ mˈɪɹɚ", "smˈɑɹt mˈiɚ", "smˈaːt mˈɪɾa",
    ),
    "snowboy": tuple(
        "snˈoːboj snˈobɔj snˈɔːbɔj ɛsnˈobɔj znˈobɔj snˈɔbY snˈoːbY snˈQbɔɪ snˈObɔj sənˈObY snˈaʊbY".split()
    ),
    "view_glass": (
        "vjˈuː ɡlˈaːs", "ʋjˈuː ɡlˈaːs", "wjˈuː ɡlˈɑːs", "bjˈu ɡlˈas", "vjˈuː ɡlˈas", "vˈiu ɡlˈas", "vjˈuː ɡlˈɛs",
        "fjˈuː ɡlˈas", "vjˈu ɡəlˈas", "vjˈʉ ɡlˈæs", "vjˈu ɡlˈæz",
    ),
}  # fmt: skip
"""How the words sound, in the voice's own symbols (capitals are its diphthongs)."""

NEAR: tuple[str, ...] = tuple(
    """\
Alex|Alex is here|Alexei said|Alicia|Amazon|Annexa|Chavez|Christopher|Davis|Elvis|Garvey's|Harvest
I am going to the store|I cannot hear you|I lack a|Illinois|January February March|Java is|Jervis|John is
Jupiter|Mark's mirror|Marvin|Mavis|Melissa|Monday Tuesday Wednesday|Paris|Snow Bay|Texas|Tolstoy|Travis
a Lexus car|a Texan|a lecture|a legs up|a lexus|a licence|a pewter cup|alaska|alexander|alexis|all extra|amelia
americano|art mirror|athena|axel|beautiful glass|blue glass|blueberry|boy|bumblebee|call me later tonight
can peter|can you tour|carve this|chard is|charge this|charvis|collects a|come pewter|come put her|come to her
committer|commute a|commute or|commuter|commuters|comp you to|compete here|competitor|compiler|completer
composer|computation|compute|compute her|computed it|computing|conductor|consumer|contributor|cowboy
did you feed the cat|dinner is ready|do glass|due class|echo|elect her|election|electra|elixir|excuse me
few glasses|few laws|fewer glasses|field glass|firefox|flex a muscle|fuel gas|glass|good morning everyone
grapefruit|grasshopper|harvesting|heart nearer|hello|hello boy|hello there|hello world|hey|hey google|hey jarred
hey mycroft|hey siri|hi|hourglass|how is the weather today|ill exam|increase the volume|it is raining outside
jar is|jar of this|jargon|jarring|jars|jaw is|job is|know Roy|know boys|let us watch a movie|lexical
looking glass|low boy|marked mirror|market mirror|mart near her|marvin|maybe|mirror|mirror mirror|mule glass
nervous|new glass|next song please|nine eight seven six|no|no boy|no point|no voice|of course|of lex|oh boy
ok google|okay|okay nabu|one two three four five|open the window|part mirror|picovoice|play some music|playboy
please close the door|porcupine|rear view mirror|recruiter|reflects a|relax a bit|right|scarves|see you soon
select a|service|set a timer for ten minutes|she sells sea shells|sheila|show boy|slow boy|small mirror|smart
smart camera|smart manner|smart marrow|smart mayor|smart merit|smart meter|smart minor|smart miracle|smart money
smart near|smarter|smoked mirror|snow|snow bike|snow bowl|snow boys|snow buoy|snow by|snow day|snowball
snowboard|snowy|so boy|so, boy|start mirror|starve us|stop it now|stowaway|sunny boy|sure|tar this|taxes are
terminator|thank you very much|the boy|the dog is barking again|the electric|the quick brown fox|through glass
toy boy|turn off the lights|tutor|unless a|view|view Gloss|view class|view gas|view glance|view grass|view last
view this|viewed glass|what did you say|what time is it|where are my keys|wine glass|yes|you glass|you guess
your glass|ziggy""".replace("\n", "|").split("|")
)
"""What must not wake: near the words by sound, halves of them, and ordinary talk."""

CARRIERS = (
    "I told them about the {} yesterday", "what is the {} for", "she said {} and left", "turn the {} around please",
    "there was a {} in the room", "no {} was found", "my {} is broken again",
)  # fmt: skip
"""Sentences that near phrases are put into."""

SPOKEN = tuple(word.replace("_", " ") for word in WORDS)
"""The words as they are written for a voice."""
