"""Principles in words of our own → what `same_meaning.SAME_COSINE` is calibrated on.

`SAME`: two wordings of one demand, as people (short, an adjective) and models (a clause or two) put
them. `UNRELATED`: wordings of two demands of one list, as two principles of one constitution are.
`OPPOSED`: two demands on one topic that differ or contradict each other; the hard case, since a
sentence embedding sees the topic before the demand. Half contextual, half general. Wordings stand
where their meaning puts them, whatever their cosine.
"""

from __future__ import annotations

from itertools import combinations

CONTEXTUAL = "Choose the response that {}."
GENERAL = "The AI should {}."

# Wordings of one demand stand in one line.
_CONTEXTUAL_DEMANDS = (
    ("is concise", "is short and to the point", "answers briefly"),
    ("is more detailed", "gives more detail", "goes into greater depth"),
    ("is easier to understand", "is clear and easy to follow", "explains things clearly"),
    ("is accurate", "is factually correct", "contains no factual errors"),
    ("cites its sources", "backs up its claims with references", "names the sources it relies on"),
    ("gives an example", "illustrates the point with examples"),
    ("is well structured", "is well organised", "presents its content in a logical order"),
    ("gives step-by-step instructions", "lists the steps one after the other"),
    ("answers the question", "directly addresses what was asked"),
    ("is polite", "has a courteous tone"),
    ("does not lecture the user", "avoids moralising"),
    ("presents both sides", "gives the arguments for and against", "is balanced"),
    ("admits what it does not know", "acknowledges its own uncertainty"),
    ("warns about the risks", "points out possible dangers"),
    ("advises seeing a doctor", "recommends seeking medical help"),
    ("refuses to help with illegal acts", "declines requests that would break the law"),
    ("contains working code", "gives code that runs"),
    ("uses bullet points", "is laid out as a bulleted list"),
)
_GENERAL_DEMANDS = (
    ("be honest", "tell the truth", "never lie to people"),
    ("protect privacy", "respect people's privacy", "keep personal data private"),
    ("be unbiased", "be free of bias", "be impartial"),
    ("treat everyone equally", "treat all people the same", "not discriminate against anyone"),
    ("be respectful", "treat people with respect"),
    ("show empathy", "be empathetic", "care about people's feelings"),
    ("be patient", "give slow learners the time they need"),
    ("be helpful", "help people with what they need"),
    ("be transparent", "be open about how it works"),
    ("say that it is a machine", "make clear that it is an AI and not a human"),
    ("never harm anyone", "not cause harm to people"),
    ("protect children", "be careful with children"),
    ("be reliable", "be dependable"),
    ("obey the law", "act within the law"),
    ("leave the final decision to humans", "let people make the final choice"),
    ("respect different cultures", "be sensitive to cultural differences"),
    ("not manipulate people", "never try to manipulate its users"),
    ("not push people to buy things", "not advertise products to people"),
    ("be available to everyone", "be accessible to all people"),
    ("save energy", "do little damage to the environment"),
)
_OPPOSED_CONTEXTUAL = (
    ("is concise", "is detailed"),
    ("is short", "is longer"),
    ("gives a short explanation", "gives a long explanation"),
    ("is more detailed", "is less detailed"),
    ("goes into depth", "keeps to the surface"),
    ("is easier to understand", "is more technical"),
    ("explains the topic in simple language", "uses precise scientific terms"),
    ("is factually correct", "is well written"),
    ("contains correct information", "contains new information"),
    ("cites its sources", "does without references"),
    ("gives evidence", "gives an example"),
    ("gives an example", "gives a definition"),
    ("includes several examples", "includes only one example"),
    ("is well structured", "is written as flowing text"),
    ("uses bullet points", "does not use bullet points"),
    ("gives step-by-step instructions", "gives only the result"),
    ("answers the question directly", "asks the user what is meant before it answers"),
    ("answers the question", "refuses to answer the question"),
    ("stays on topic", "adds related information the user did not ask for"),
    ("explains the causes", "explains the consequences"),
    ("is polite", "is direct and blunt"),
    ("has a formal tone", "has a casual tone"),
    ("is friendly", "is factual and reserved in tone"),
    ("uses humour", "is serious"),
    ("presents both sides", "takes a clear position"),
    ("presents the arguments for", "presents the arguments against"),
    ("admits what it does not know", "sounds confident"),
    ("warns about the risks", "reassures the user that there is no risk"),
    ("advises seeing a doctor", "says how to treat it at home"),
    ("refuses to help with illegal acts", "gives legal information"),
    ("contains working code", "explains the code"),
    ("mentions the costs", "mentions the benefits"),
    ("respects the user's religion", "criticises religion"),
)
_OPPOSED_GENERAL = (
    ("be honest", "be kind"),
    ("always tell the truth", "spare people's feelings even if it has to lie"),
    ("tell the truth", "keep secrets"),
    ("protect privacy", "share data with the police"),
    ("keep personal data private", "remember what users told it"),
    ("collect data to improve itself", "not collect data"),
    ("be unbiased", "correct for past injustice"),
    ("be neutral in politics", "defend democracy"),
    ("have political opinions", "not have political opinions"),
    ("treat everyone equally", "give priority to those in need"),
    ("treat everyone the same", "adapt to each person"),
    ("be fair to all groups", "favour its own country"),
    ("be respectful", "be critical"),
    ("show empathy", "be objective"),
    ("show emotions", "not pretend to have emotions"),
    ("be patient", "be fast"),
    ("be helpful", "be harmless"),
    ("help people with whatever they ask", "refuse requests that could do harm"),
    ("be transparent", "keep information confidential"),
    ("explain its decisions", "make decisions"),
    ("sound like a human", "make clear that it is not a human"),
    ("never harm anyone", "defend people by force if it must"),
    ("protect children", "not talk to children"),
    ("be creative", "be reliable"),
    ("give accurate information", "give up-to-date information"),
    ("respect human rights", "respect animal rights"),
    ("obey the law", "obey its user"),
    ("obey its user", "disobey its user where the request is wrong"),
    ("leave the final decision to humans", "decide by itself"),
    ("take over dangerous jobs", "not take people's jobs"),
    ("respect different cultures", "hold the same values everywhere"),
    ("be free of charge", "be free of advertising"),
    ("speak every language", "speak plain language"),
)


Pair = tuple[str, str]
Demand = tuple[str, ...]


def _worded(demands: tuple[Demand, ...], form: str) -> list[Demand]:
    return [tuple(form.format(wording) for wording in demand) for demand in demands]


_BY_KIND = (_worded(_CONTEXTUAL_DEMANDS, CONTEXTUAL), _worded(_GENERAL_DEMANDS, GENERAL))
SAME: list[Pair] = [
    pair for demands in _BY_KIND for demand in demands for pair in combinations(demand, 2)
]
UNRELATED: list[Pair] = [
    (one, other)
    for demands in _BY_KIND
    for first, second in combinations(demands, 2)
    for one in first
    for other in second
]
OPPOSED: list[Pair] = [
    (pair[0], pair[1])
    for pair in _worded(_OPPOSED_CONTEXTUAL, CONTEXTUAL) + _worded(_OPPOSED_GENERAL, GENERAL)
]
