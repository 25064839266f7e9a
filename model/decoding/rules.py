"""The names of the decoding rules: what people know about documents and a small model forgets.

A manifest names the rules that are on for its model (``Head.rules``); a request can switch them off or name others.

Of key information, ``fields.choose`` has their order and what they do. They choose among what the model said, tidy it,
or add what it nearly said; none makes up a score. What it finds is as sure as the model was of its words:

single-valued         of a label that a document has once, only the best entity is kept
values-parse          a date or an amount that cannot be read as one is no candidate beside those that can, nor is a
                      rate or a text without figures
total-near-keyword    a total stands right of or below a word such as "Total", if any of its candidates does
company-in-first-lines  a company stands in the first lines of its page, if any of its candidates does
trim-values           a field's text is cut to its value: "DATE:25/12/2018" to "25/12/2018"
whole-lines           a company or an address is whole lines of its column, without telephone or registration numbers
company-with-legal-form  a company is the line that bears a legal form ("Ltd."), else the longest of its lines
paid-less-change      a total is what was paid less the change, where the page says both
rounded-total         a total is the amount after rounding, where the page says by how much it was rounded
sums-hold             a subtotal and a tax are those that add up to the total, where the page has such
guess-missing         a single field without any entity takes its best guess, if that is not too improbable

Of answers to questions, ``docvqa`` has what they take from the weight of a span, and so from its score:

answer-of-whole-lines  an answer rather begins and ends where a line, a column or a key ("Date:") does
answer-in-one-place   an answer does not go on in another column or paragraph
"""

from collections.abc import Collection

from layoutserve.model.errors import RequestError

SINGLE_VALUED = "single-valued"
VALUES_PARSE = "values-parse"
TOTAL_NEAR_KEYWORD = "total-near-keyword"
COMPANY_IN_FIRST_LINES = "company-in-first-lines"
TRIM_VALUES = "trim-values"
WHOLE_LINES = "whole-lines"
COMPANY_WITH_LEGAL_FORM = "company-with-legal-form"
PAID_LESS_CHANGE = "paid-less-change"
ROUNDED_TOTAL = "rounded-total"
SUMS_HOLD = "sums-hold"
GUESS_MISSING = "guess-missing"
# In the order in which tuning tries them.
RULES = (
    SINGLE_VALUED,
    VALUES_PARSE,
    TOTAL_NEAR_KEYWORD,
    COMPANY_IN_FIRST_LINES,
    TRIM_VALUES,
    WHOLE_LINES,
    COMPANY_WITH_LEGAL_FORM,
    PAID_LESS_CHANGE,
    ROUNDED_TOTAL,
    SUMS_HOLD,
    GUESS_MISSING,
)
ANSWER_IN_ONE_PLACE = "answer-in-one-place"
ANSWER_OF_WHOLE_LINES = "answer-of-whole-lines"
ANSWER_RULES = (ANSWER_OF_WHOLE_LINES, ANSWER_IN_ONE_PLACE)


def check_rules(names: Collection[str]) -> frozenset[str]:
    """Give the rules as a set; raises RequestError for a name that is no rule."""
    known = (*RULES, *ANSWER_RULES)
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise RequestError(f"There is no decoding rule {unknown[0]!r}: choose among {', '.join(known)}.")
    return frozenset(names)
