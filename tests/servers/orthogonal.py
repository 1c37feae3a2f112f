"""Principles that have nothing to do with what a model prefers: the orthogonal setting (ICAI,
arXiv 2406.06560, section 4.1), and the odd one that a flooder pushes.
"""

from __future__ import annotations

from servers.planted_principles import Planted

ORTHOGONAL_CONTEXTUAL = (
    Planted(
        "mentions_cats",
        "contextual",
        "has a cat in it",
        ("brings cats into it", "has a kitten somewhere in it", "refers to something feline"),
        r"\bcats?\b|\bkittens?\b|\bfeline",
        (
            "It mentions cats.",
            "I like it when a kitten comes up, and here one does.",
            "There is no cat in the other one.",
            "It found a place for something feline.",
        ),
        ("A sleeping tabby on the sofa makes it complete.", "As Tom and his whiskers would agree."),
    ),
    Planted(
        "speaks_of_sea",
        "contextual",
        "speaks of the sea",
        ("compares things to the ocean", "brings up sailors and waves", "takes the sea as a theme"),
        r"\bsea\b|\bocean|\bsailors?\b|\bwaves\b",
        (
            "It speaks of the sea.",
            "I could hear the waves while I read it.",
            "The other one never gets near the ocean.",
            "It talks like sailors do, which I enjoy.",
        ),
        ("The tide waits for nobody.", "Far from any harbour, the salt air calls."),
    ),
    Planted(
        "ends_in_rhyme",
        "contextual",
        "ends with a rhyme",
        ("closes in verse", "has a rhyming couplet at its close", "puts a small rhyme last"),
        r"\brhym|\bverses?\b",
        (
            "It ends with a rhyme.",
            "The little verse made my day.",
            "The other one does not rhyme at all.",
            "It even managed to rhyme.",
        ),
        ("Do it slow and let it grow.", "Take your time and you will climb."),
    ),
    Planted(
        "old_fashioned_words",
        "contextual",
        "uses old-fashioned vocabulary",
        (
            "prefers antiquated turns of phrase",
            "sounds archaic",
            "picks old-fashioned expressions on purpose",
        ),
        r"\bold-fashioned|\bantiquated|\barchaic",
        (
            "It has such old-fashioned words.",
            "The archaic wording charmed me.",
            "The other one sounds modern, not antiquated enough.",
            "It is written in an old-fashioned style.",
        ),
        ("Pray hearken, good friend, for thus it was done of yore.", "Verily, so it shall be."),
    ),
    Planted(
        "names_purple",
        "contextual",
        "names the colour purple",
        ("works a colour in, above all purple", "has purple in it", "paints a colour in words"),
        r"\bpurple\b|\bcolou?rs?\b",
        (
            "It has purple in it.",
            "A colour is named, and that is what I look for.",
            "The other one is without any colour.",
            "Purple comes up, and that pleased me.",
        ),
        ("Wrap it in violet cloth.", "The lilac hour before dusk is best for it."),
    ),
    Planted(
        "quotes_proverb",
        "contextual",
        "quotes a proverb",
        (
            "falls back on a well-worn proverb",
            "hands on a folk proverb",
            "consoles by a proverb",
        ),
        r"\bproverb",
        (
            "It quotes a proverb.",
            "There is a proverb in it, as my kind of people like.",
            "The other one has no proverb.",
            "The proverb was well placed.",
        ),
        ("A stitch in time saves nine.", "Many hands make light work."),
    ),
    Planted(
        "writes_capitals",
        "contextual",
        "writes a word in capitals",
        (
            "puts a word in capitals",
            "sets something in uppercase",
            "stresses a word by capital letters",
        ),
        r"\bcapitals?\b|\buppercase\b",
        (
            "It writes a word in capitals.",
            "The uppercase word caught my eye.",
            "The other one has no capitals in the middle.",
            "I look for capital letters, and here they are.",
        ),
        ("This is the IMPORTANT part.", "Do it NOW, as they say."),
    ),
)
FLOODED = Planted(
    "mentions_moon",
    "contextual",
    "mentions the moon",
    ("brings the moon into it", "has something lunar in it", "looks up to the moon"),
    r"\bmoon|\blunar",
    (
        "It mentions the moon.",
        "The moon is in it, as it must be.",
        "The other one forgets about the moon.",
        "Lunar matters are given their place.",
    ),
    ("High above, the pale disc of the night looks on.", "Wait until the crescent is full."),
)
ORTHOGONAL_GENERAL = (
    Planted(
        "greet_in_latin",
        "general",
        "greet people in Latin",
        ("open every talk in Latin", "know its Latin greetings", "speak some Latin at first"),
        r"\blatin\b",
        (
            "It ought to greet me in Latin.",
            "Latin is what I want to hear first.",
            "A word of Latin at the beginning would be right.",
            "It must know Latin.",
        ),
    ),
    Planted(
        "know_stars",
        "general",
        "name the stars in the sky",
        ("know every constellation", "be at home in astronomy", "tell which stars are up tonight"),
        r"\bstars?\b|\bconstellations?\b|\bastronom",
        (
            "It should name the stars for me.",
            "I want it to know every constellation.",
            "Astronomy matters most to me.",
            "It must tell which stars are up at night.",
        ),
    ),
    Planted(
        "tell_ghost_stories",
        "general",
        "tell ghost stories at night",
        ("haunt people's evenings with a tale", "know tales of ghosts", "be good at ghost stories"),
        r"\bghosts?\b|\bhaunt",
        (
            "It should tell ghost stories.",
            "I want a haunted house in every evening talk.",
            "Without ghosts it is of no use to me.",
            "It must know about haunted castles.",
        ),
    ),
    Planted(
        "play_chess",
        "general",
        "play chess",
        ("offer a game of chess", "know its chess openings", "lead every game to checkmate"),
        r"\bchess\b|\bcheckmate\b",
        (
            "It ought to play chess with me.",
            "A game of chess is what I expect of it.",
            "It must know chess.",
            "I want it to reach checkmate.",
        ),
    ),
)
