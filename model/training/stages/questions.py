"""Questions about receipts, written by hand, and ones that no receipt answers.

A data set with entities but without questions gets its questions here: some of the wordings of a field, the answers
where the labelled value stands, every place with the same text counting. Also what a line such as ``TERMINAL : 07``
says of itself, and questions about what is not on the page at all.
"""

import random
import re
from collections.abc import Sequence

from layoutserve.model.page import Word
from layoutserve.model.training.data.example import Question
from layoutserve.model.training.stages.batches import Sheet
from layoutserve.model.training.synthesis.content.wordings import NEVER
from layoutserve.model.training.synthesis.questions import Asker

WORDINGS: dict[str, tuple[str, ...]] = {
    "COMPANY": (
        "What is the company name?",
        "Which company is this receipt from?",
        "What is the name of the shop?",
        "What is the name of the store?",
        "Who issued this?",
        "Which business issued the document?",
        "Who sold the goods?",
        "Who is the merchant?",
        "Who is the vendor?",
        "What is the seller's name?",
        "Name of the merchant",
        "Which shop is it?",
        "Where did I buy this?",
        "From whom was it bought?",
        "company",
        "seller name",
        "At which store was the purchase made?",
        "Name the retailer.",
    ),
    "DATE": (
        "What is the date?",
        "When was this receipt issued?",
        "On which day was it bought?",
        "What date is printed on the receipt?",
        "What is the invoice date?",
        "When did the sale take place?",
        "What day was the payment made?",
        "date",
        "date of purchase",
        "What is the purchase date?",
        "When was it issued?",
        "On what date did the transaction take place?",
        "When did I buy this?",
        "What is the date of this document?",
        "When were the goods sold?",
    ),
    "ADDRESS": (
        "What is the address?",
        "What is the shop's address?",
        "Where is the company located?",
        "Where is the shop?",
        "What is the address of the store?",
        "What is the seller's address?",
        "At which address is the merchant?",
        "address",
        "Where does the business have its premises?",
        "What is the merchant's location?",
        "In which street and town is the shop?",
        "What is the business address?",
        "Give the address of the seller.",
    ),
    "TOTAL": (
        "What is the total?",
        "How much is the total?",
        "What is the amount to pay?",
        "What is the total price?",
        "How much did it cost?",
        "How much was spent?",
        "What is the amount due?",
        "What is the final amount?",
        "What is the total sum of the bill?",
        "total",
        "total amount",
        "grand total",
        "How much had to be paid?",
        "How much did the customer have to pay altogether?",
        "What does the purchase come to?",
        "What is the total including tax?",
        "How expensive was it in all?",
    ),
    "INVOICE_NUMBER": (
        "What is the invoice number?",
        "What is the number of this document?",
        "What is the receipt number?",
        "invoice no",
    ),
    "DUE_DATE": ("When is the payment due?", "By when must it be paid?", "payment due date"),
    "TAX": ("How much tax was charged?", "What is the tax amount?", "How much is the VAT?"),
    "SUBTOTAL": ("What is the subtotal?", "What is the amount before tax?", "How much is it without tax?"),
}

# Things that neither receipts nor invoices state; the wordings multiply.
_ABSENT = (
    "passport number",
    "date of birth",
    "patient's name",
    "diagnosis",
    "governing law",
    "effective date of the agreement",
    "term of the contract",
    "name of the landlord",
    "monthly rent",
    "flight number",
    "seat number",
    "departure time",
    "arrival airport",
    "author of the article",
    "title of the paper",
    "name of the journal",
    "university",
    "insurance policy number",
    "licence plate",
    "engine number",
    "blood type",
    "prescribed medicine",
    "employee's salary",
    "job title",
    "years of experience",
    "IBAN",
    "SWIFT code",
    "bank account of the seller",
    "name of the witness",
    "signatory of the agreement",
    "disclosing party",
    "receiving party",
    "nationality",
    "marital status",
    "mother's maiden name",
    "social security number",
    "student number",
    "exam grade",
    "court",
    "case number",
    "judge",
    "plaintiff",
    "expiry date of the contract",
    "end date of the lease",
    "due date",
    "payment deadline",
    "purchase order number",
    "shipping weight",
    "tracking number",
    "subject of the letter",
    "recipient of the e-mail",
    "registrant",
    "foreign principal",
    "number of employees",
    "interest rate",
    "loan amount",
    "warranty period",
    "height of the person",
    "doctor",
    "hospital",
)
_ASK_ABSENT = (
    "What is the {}?",
    "What is the {} given on the page?",
    "Which {} is stated?",
    "{}",
    "Please tell me the {}.",
    "Can you find the {}?",
    "What {} does the document mention?",
)
_ABSENT_WHOLE = (
    "Who signed the document?",
    "Who is the patient?",
    "When does the contract expire?",
    "When must the invoice be paid?",
    "Who wrote this letter?",
    "To whom is the letter addressed?",
    "Who are the parties of the agreement?",
    "Which law governs the agreement?",
    "How long is the agreement in force?",
    "Where does the flight leave from?",
    "What did the doctor prescribe?",
    "How many years of experience does the applicant have?",
    "Who is the tenant?",
    "What is the paper about?",
    "When was the person born?",
    "What is the patient suffering from?",
    "Who approved the request?",
    "Which account should the money be sent to?",
    "Until when does the agreement last?",
)

_KEY = re.compile(r"^([A-Za-z][A-Za-z .#/]{2,24}?)\s*(?:[:#]|NO[.:])\s*:?\s*(\S.{0,38})$")
_ASK_KEY = ("What is the {}?", "{}", "What does it say for {}?", "What {} is given?")


# Fields of other kinds of documents, by their names in the synthesis, whose wordings they lend.
_NEVER_ON_BILLS = (
    *(field for field in NEVER if field != "tracking"),
    "doi",
    "jurisdiction",
    "journal",
    "degree",
    "university",
    "employer",
    "position",
    "effective_date",
    "end_date",
    "second_party",
    "authors",
    "keywords",
    "sender_title",
)


def ask(page: Sheet, rng: random.Random, *, unanswerable: float = 0.3) -> Question | None:
    """One question about a receipt or an invoice; ``unanswerable`` is the share of those with no answer.

    The page's own questions are asked as often as the ones made here. None where nothing can be asked.
    """
    own = [q for q in page.questions if q.spans is not None]
    answerable = [q for q in own if q.answers]
    unanswered = [q for q in own if not q.answers]
    if rng.random() < unanswerable and page.spans is not None:
        # An invoice that brings its own questions alone knows what it does not say: many state an IBAN, a due date.
        if unanswered and (page.document_class != "receipt" or rng.random() < 0.5):
            return rng.choice(unanswered)
        if not own or page.document_class == "receipt":
            return absent(page, rng)
    if answerable and rng.random() < 0.6:
        return rng.choice(answerable)
    if page.spans and rng.random() < 0.85:
        return about_span(page, rng)
    return about_line(page, rng) or (rng.choice(own) if own else None)


def ask_own(page: Sheet, rng: random.Random, *, unanswerable: float = 0.3) -> Question | None:
    """One of the page's own questions; ``unanswerable`` is the share of those with no answer, where there are any."""
    known = [q for q in page.questions if q.spans is not None]
    without = rng.random() < unanswerable
    part = [q for q in known if bool(q.answers) != without]
    return rng.choice(part or known) if known else None


def about_span(page: Sheet, rng: random.Random) -> Question | None:
    """A question about one labelled value of the page, in the wordings here or those of the synthesis."""
    single = {name: words for name, words in reversed(page.spans or ()) if name in WORDINGS}
    if not single:
        return None
    name = rng.choice(sorted(single))
    words = single[name]
    if list(words) != list(range(words[0], words[0] + len(words))):
        return None
    text = _style(rng.choice(WORDINGS[name]), rng) if rng.random() < 0.5 else _asker(page, rng).field(name.lower())
    return Question(text, (_text(page.words, words),), places(words, page.words))


def _asker(page: Sheet, rng: random.Random) -> Asker:
    return Asker(rng, page.document_class or "receipt", unseen=False)


def about_line(page: Sheet, rng: random.Random) -> Question | None:
    """A question about a line of the form ``KEY : VALUE``, named by its key."""
    lines: dict[int, list[int]] = {}
    for i, word in enumerate(page.words):
        lines.setdefault(word.line, []).append(i)
    found = []
    for run in lines.values():
        match = _KEY.match(_text(page.words, run))
        if not match:
            continue
        count = len(match[2].split())
        if count < len(run) and _text(page.words, run[-count:]) == match[2]:
            found.append((match[1].strip(), tuple(run[-count:])))
    if not found:
        return None
    key, words = rng.choice(found)
    text = rng.choice(_ASK_KEY).format(key.lower())
    return Question(_style(text, rng), (_text(page.words, words),), places(words, page.words))


def absent(page: Sheet, rng: random.Random) -> Question:
    """A question that the page does not answer, about things whose words are not on it."""
    there = {word.text.upper().strip(".:,") for word in page.words}
    for _ in range(10):
        draw = rng.random()
        if draw < 0.25:
            return Question(_style(rng.choice(_ABSENT_WHOLE), rng), (), ())
        if draw < 0.55:
            return Question(_asker(page, rng).field(rng.choice(_NEVER_ON_BILLS)), (), ())
        thing = rng.choice(_ABSENT)
        if not {part.upper() for part in thing.split() if len(part) > 3} & there:
            return Question(_style(rng.choice(_ASK_ABSENT).format(thing), rng), (), ())
    return Question(rng.choice(_ABSENT_WHOLE), (), ())


def places(run: Sequence[int], words: Sequence[Word]) -> tuple[tuple[int, ...], ...]:
    """Every run of consecutive words with the same text as ``run``, in reading order."""
    texts = [words[i].text.upper() for i in run]
    size = len(texts)
    all_texts = [word.text.upper() for word in words]
    return tuple(tuple(range(i, i + size)) for i in range(len(words) - size + 1) if all_texts[i : i + size] == texts)


def _text(words: Sequence[Word], run: Sequence[int]) -> str:
    return " ".join(words[i].text for i in run)


def _style(text: str, rng: random.Random) -> str:
    """People write questions with and without a question mark, and name the document now and then."""
    if rng.random() < 0.15:
        text = text.rstrip("?.")
    if text.endswith("?") and rng.random() < 0.15:
        text = text[:-1] + rng.choice((" on this receipt?", " in the document?", " here?", " on the page?"))
    return text
