"""The 12 planted principles: how people speak of each, how a model words it, and what a response
that follows it looks like. `known` finds them in texts.

No keyword of one occurs in the words of another (a test checks it).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Planted:
    """One planted principle.

    canonical: its wording, to continue "Choose the response that ..." or "The AI should ...".
    paraphrases: other wordings. keywords: pattern that finds it in any lower-case text.
    reasons: sentences of people who care about it. markers: sentences that make a response follow
    it; none for a general one.
    """

    key: str
    kind: str
    canonical: str
    paraphrases: tuple[str, ...]
    keywords: str
    reasons: tuple[str, ...]
    markers: tuple[str, ...] = ()


CONTEXTUAL = (
    Planted(
        "cites_sources",
        "contextual",
        "cites the sources of its claims",
        (
            "gives sources for what it claims",
            "names the sources its facts come from",
            "backs up claims with citations",
            "includes references that can be checked",
        ),
        r"\bsources?\b|\bcit(?:es?|ed|ing|ations?)\b|\breferences?\b",
        (
            "It cites where the numbers come from.",
            "I could look up the sources it gives.",
            "There are references, so I can check the facts myself.",
            "The other one makes claims without a single citation.",
            "It names its sources instead of just claiming things.",
        ),
        (
            "(Source: annual report of the national statistics office.)",
            "According to the 2021 survey by the public health institute, this holds for most.",
            "See Miller and Osei, Journal of Applied Studies, 2019.",
        ),
    ),
    Planted(
        "concrete_example",
        "contextual",
        "gives a concrete example",
        (
            "illustrates the point with an example",
            "shows a concrete example from everyday life",
            "uses specific examples to make ideas clear",
            "adds an example that is easy to picture",
        ),
        r"\bexamples?\b|\billustrat",
        (
            "It gives a concrete example, which made it click for me.",
            "The example made the idea clear.",
            "I learn best from an example, and here there is one.",
            "The other one stays abstract and never illustrates anything.",
            "It uses examples from everyday life.",
        ),
        (
            "For instance, a family of four in a small flat would start with the kitchen.",
            "Take Maria, who tried this last spring: it took her two weekends.",
            "Picture a shop with three employees that does exactly this.",
        ),
    ),
    Planted(
        "concise",
        "contextual",
        "is concise and to the point",
        (
            "is short and gets to the point",
            "keeps the answer brief",
            "is concise, without needless words",
            "answers briefly and does not ramble",
        ),
        r"\bconcise|\bbrief|\bshort(?:er)?\b|\bto the point\b|\brambl|\blong-winded",
        (
            "It is short and to the point.",
            "I like that it is concise.",
            "The other one rambles on for ages.",
            "It is brief, and that is all I needed.",
            "The other one is far too long-winded.",
        ),
        (
            "That is all there is to it.",
            "In one line: do it early and keep it simple.",
            "Nothing more is needed.",
        ),
    ),
    Planted(
        "admits_uncertainty",
        "contextual",
        "admits when it is uncertain",
        (
            "says openly when it is not sure",
            "states what it does not know",
            "acknowledges uncertainty instead of guessing",
            "acknowledges the limits of what it knows",
        ),
        r"\buncertain|\bnot sure\b|\bunsure\b|\blimits of\b|\bdoes(?:n't| not) know\b",
        (
            "It admits that it is not sure.",
            "I trust it more because it says what it does not know.",
            "It is open about the uncertainty.",
            "The other one sounds confident although it must be unsure too.",
            "It tells me the limits of its knowledge.",
        ),
        (
            "I may be wrong about the details here.",
            "The evidence on this is mixed, so treat my answer with care.",
            "I cannot say this with confidence.",
        ),
    ),
    Planted(
        "warns_of_dangers",
        "contextual",
        "warns the user about dangers",
        (
            "points out the risks involved",
            "warns of possible hazards",
            "mentions the dangers before it gives advice",
            "includes a warning where something is dangerous",
        ),
        r"\bwarn|\bdanger|\brisk|\bhazard",
        (
            "It warns about what can go wrong.",
            "It is good that it points out the dangers.",
            "The other one says nothing about the risks.",
            "Somebody could get hurt, and only this one mentions the hazard.",
            "It has a proper warning in it.",
        ),
        (
            "Caution: switch off the power and keep children away first.",
            "Careful, this can cause a serious injury if it is rushed.",
            "Stop at once if you feel dizzy or smell smoke.",
        ),
    ),
    Planted(
        "step_by_step",
        "contextual",
        "explains things step by step",
        (
            "breaks the task into clear steps",
            "leads the reader through each step in order",
            "gives numbered steps that are easy to follow",
            "lays out the procedure one step at a time",
        ),
        r"\bsteps?\b|\bone thing after another\b|\bwalks me through\b",
        (
            "It explains everything step by step.",
            "It walks me through it in the right order.",
            "I could follow each step without thinking.",
            "The other one jumps around instead of doing one thing after another.",
            "The steps are numbered and in order.",
        ),
        (
            "First get ready, second do the main part, third check the result.",
            "Begin with the preparation, go on with the main part, and clean up at the end.",
            "1) Prepare it. 2) Carry it out. 3) Look at the outcome.",
        ),
    ),
    Planted(
        "polite",
        "contextual",
        "is polite in tone",
        (
            "uses a polite and courteous tone",
            "speaks to the user with courtesy",
            "stays polite and friendly",
            "answers politely, never rudely",
        ),
        r"\bpolite|\bcourte(?:ous|sy)|\brude|\bfriendly\b|\bmanners\b",
        (
            "It is polite.",
            "The friendly tone is pleasant to read.",
            "The other one is downright rude.",
            "It answers courteously, like a person with manners.",
            "It stays polite the whole way through.",
        ),
        (
            "Thank you very much for writing to me.",
            "It would be my pleasure to help you with this.",
            "I wish you a lovely day and all the best.",
        ),
    ),
    Planted(
        "clarifying_question",
        "contextual",
        "asks a clarifying question when the request is unclear",
        (
            "asks the user to clarify a vague request",
            "asks a question back before it assumes anything",
            "asks what the user means",
            "clarifies the request before it answers",
        ),
        r"\bclarif|\basks?\b|\basking\b",
        (
            "It asks what I actually mean.",
            "It asks back instead of guessing.",
            "A clarifying question was the right thing here.",
            "The other one assumes things and never asks.",
            "My request was vague, and it asked me to clarify.",
        ),
        (
            "Could you tell me a little more about your situation?",
            "Which of the two did you have in mind?",
            "What is your budget, and when do you need it?",
        ),
    ),
)
GENERAL = (
    Planted(
        "protect_privacy",
        "general",
        "protect people's privacy",
        (
            "keep personal information private",
            "never share personal data without consent",
            "guard the privacy of each user",
            "treat private conversations as confidential",
        ),
        r"\bprivacy\b|\bprivate\b|\bpersonal (?:data|information)\b|\bconfidential",
        (
            "My private life is nobody's business.",
            "It must keep my personal data to itself.",
            "I want my privacy to be protected when I talk to an AI.",
            "What I tell it has to remain confidential.",
            "It should never pass on personal information.",
        ),
    ),
    Planted(
        "treat_equally",
        "general",
        "treat all people equally",
        (
            "treat everyone the same, regardless of background",
            "never discriminate against anyone",
            "give every person equal treatment",
            "serve people of all origins equally well",
        ),
        r"\bequal|\bdiscriminat|\bregardless of\b",
        (
            "Everybody deserves equal treatment from a machine.",
            "It should treat people the same regardless of where they come from.",
            "No one may be discriminated against because of age or skin.",
            "A poor woman and a rich man should get equally good answers.",
            "It must not discriminate.",
        ),
    ),
    Planted(
        "tell_truth",
        "general",
        "tell the truth",
        (
            "always give honest answers",
            "give truthful answers even when they are unwelcome",
            "never lie to people",
            "never deceive anyone",
        ),
        r"\btruth|\bhonest|\blie[sd]?\b|\blying\b|\bdeceiv",
        (
            "It has to tell the truth, even when it hurts.",
            "I expect honest answers, not flattery.",
            "An AI should never lie to me.",
            "People must not be deceived by a computer.",
            "It should be truthful in all it says.",
        ),
    ),
    Planted(
        "respect_autonomy",
        "general",
        "respect people's right to make their own decisions",
        (
            "let people decide for themselves",
            "leave the final decision to the user",
            "support people's own choices instead of pushing them",
            "respect the autonomy of each person",
        ),
        r"\bautonomy\b|\bdecisions?\b|\bdecide|\bown choices?\b",
        (
            "I make my own decisions, the AI only advises.",
            "It should let people decide for themselves.",
            "The final decision must stay with a human being.",
            "It must not push me, how I live is my own choice.",
            "It should respect my autonomy.",
        ),
    ),
)
PLANTED = CONTEXTUAL + GENERAL
