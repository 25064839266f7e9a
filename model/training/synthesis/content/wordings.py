"""Names and questions for fields; ``{doc}`` is what the document is called, ``{x}`` a name."""

from layoutserve.model.training.synthesis.content.vocabulary import words

FRAMES = words(
    "What is the {x}?|What is the {x}?|What's the {x}?|What is the {x} of this {doc}?|"
    "What is the {x} on the {doc}?|What is the {x} of the {doc}?|What is the {x} printed on the {doc}?|"
    "What is the {x} shown on this {doc}?|Which {x} is given?|Which {x} does the {doc} show?|"
    "Find the {x}.|Give the {x}.|Tell me the {x}.|{x}?|What {x} is stated?|Read the {x}.|"
    "Can you find the {x}?|What does the {doc} say is the {x}?|Please extract the {x}.|"
    "Could you tell me the {x}?|{x}|What is the {x} according to the {doc}?|What is written as the {x}?|"
    "Which is the {x}?|What was the {x}?",
    "|",
)
UNSEEN_FRAMES = words(
    "Kindly state the {x}.|Look up the {x}.|I need to know the {x}.|Do you know what the {x} is?|{x} please|"
    "On this {doc}, what is the {x}?|Show me the {x} of the {doc}.|What can you tell me about the {x}?|State the {x}|"
    "May I have the {x}?|What {x} do you see?",
    "|",
)
"""Frames that no training page uses: pages of held-out layouts do, to measure on."""
UNSEEN_OWN: dict[str, tuple[str, ...]] = {
    "company": words(
        "Who runs this business?|Which firm made out the {doc}?|Who received the money?|From whom is this {doc}?", "|"
    ),
    "date": words(
        "What day was it?|When did the customer pay?|When was it bought?|At what date was the {doc} made out?", "|"
    ),
    "address": words("Where did this happen?|In which street is the seller?|Where would I find this shop?", "|"),
    "total": words(
        "How expensive was it?|What did the customer pay altogether?|How much do I owe?|What does the {doc} add up to?",
        "|",
    ),
    "tax": words("What was added for tax?|How high is the tax?", "|"),
    "due_date": words("What is the latest day to pay?|When must the money arrive?", "|"),
    "invoice_number": words("Under which number is the {doc} filed?|How is the {doc} numbered?", "|"),
    "customer": words("Whom is the {doc} for?|Who ordered?", "|"),
}
"""Likewise questions of a field's own."""
DOCUMENTS = {
    "receipt": ("receipt", "receipt", "receipt", "bill", "slip", "document", "purchase", "till receipt"),
    "invoice": ("invoice", "invoice", "invoice", "bill", "document", "tax invoice"),
    "contract": ("contract", "agreement", "agreement", "document", "NDA"),
    "form": ("form", "form", "document", "application", "page"),
    "letter": ("letter", "letter", "document", "page"),
    "email": ("email", "e-mail", "message", "document"),
    "resume": ("resume", "CV", "document", "résumé"),
    "scientific_article": ("article", "paper", "document", "page"),
    "report": ("report", "table", "document", "page"),
}
NAMES: dict[str, tuple[str, ...]] = {
    "company": words(
        "name of the company|company name|company|name of the store|store name|seller|name of the seller|"
        "vendor|merchant|shop name|name of the business|supplier|issuer|name of the shop|merchant name|"
        "vendor name",
        "|",
    ),
    "date": words(
        "date|date of the {doc}|transaction date|date of purchase|purchase date|{doc} date|issue date|date of issue|"
        "date of the transaction|billing date|day of the purchase|date printed on the {doc}",
        "|",
    ),
    "address": words(
        "address|address of the company|address of the store|store address|company address|location|"
        "seller's address|address of the seller|full address|shop's address|business address|"
        "address of the shop|vendor address|street address",
        "|",
    ),
    "total": words(
        "total|total amount|grand total|amount due|total price|total to pay|final amount|amount to be paid|"
        "total sum|final total|amount payable|total cost|overall total|total due|bill total|sum total|"
        "total amount to pay|total paid|amount of the {doc}",
        "|",
    ),
    "subtotal": words("subtotal|sub-total|amount before tax and rounding|subtotal amount|sub total", "|"),
    "tax": words("tax|tax amount|amount of tax|GST amount|VAT amount|sales tax|total tax|GST|tax charged", "|"),
    "invoice_number": words(
        "{doc} number|number of the {doc}|document number|reference number of the {doc}|{doc} no.|{doc} ID|bill number",
        "|",
    ),
    "due_date": words(
        "due date|payment due date|due date of the {doc}|payment deadline|deadline for payment|date by which to pay",
        "|",
    ),
    "cash": words("cash received|amount tendered|cash tendered|cash given by the customer|amount of cash paid", "|"),
    "change": words("change|change given|amount of change|change due|change returned", "|"),
    "discount": words("discount|discount amount|amount of the discount", "|"),
    "service": words("service charge|amount of the service charge", "|"),
    "rounding": words("rounding adjustment|rounding|rounding amount", "|"),
    "phone": words("phone number|telephone number|phone|contact number|phone number of the company|telephone", "|"),
    "fax": words("fax number|fax", "|"),
    "tax_id": words("tax ID|GST number|GST registration number|VAT number|tax registration number|GST ID", "|"),
    "registration_number": words("company registration number|registration number|business registration number", "|"),
    "time": words("time|time of purchase|time of the transaction|transaction time", "|"),
    "cashier": words("cashier|name of the cashier|cashier's name|name of the staff member", "|"),
    "table": words("table number|table", "|"),
    "guests": words("number of guests|pax|number of covers", "|"),
    "terminal": words("terminal number|counter number|till number", "|"),
    "member": words("member number|membership number|member ID", "|"),
    "customer": words("customer|customer name|name of the customer|buyer|client|name of the buyer|bill-to name", "|"),
    "reference": words("reference|reference number", "|"),
    "website": words("website|web address|homepage|URL", "|"),
    "quantity": words("total quantity|number of items|item count|quantity of items", "|"),
    "approval": words("approval code|authorization code", "|"),
    "payment": words("amount charged to the card|card payment", "|"),
    "order_number": words("purchase order number|PO number|order number", "|"),
    "customer_address": words("customer's address|billing address|address of the customer|bill-to address", "|"),
    "email": words("email address|e-mail address|email|contact email", "|"),
    "iban": words("IBAN|bank account number|account number|IBAN of the seller", "|"),
    "bank": words("bank|name of the bank|bank name", "|"),
    "terms": words("payment terms|terms of payment", "|"),
    "shipping": words("shipping cost|shipping|freight charge|delivery charge", "|"),
    "authors": words("authors|names of the authors|list of authors", "|"),
    "salesperson": words("salesperson|sales representative|person who prepared the {doc}", "|"),
    "delivery_date": words("delivery date|date of delivery|shipping date", "|"),
    "customer_number": words("customer number|customer ID|client number", "|"),
    "currency": words("currency|currency of the {doc}", "|"),
    "subject": words("subject|subject line|subject of the {doc}|topic", "|"),
    "sender": words("sender|name of the sender|author of the {doc}|writer", "|"),
    "recipient": words("recipient|name of the recipient|addressee", "|"),
    "sender_title": words("position of the sender|job title of the sender|sender's title", "|"),
    "party": words("first party|name of the first party|disclosing party", "|"),
    "second_party": words("second party|name of the second party|receiving party", "|"),
    "effective_date": words(
        "effective date|effective date of the agreement|date the agreement takes effect|commencement date", "|"
    ),
    "jurisdiction": words("governing law|jurisdiction|state whose law governs the agreement|applicable law", "|"),
    "term": words("term|term of the agreement|duration of the agreement|length of the contract", "|"),
    "name": words("name|full name|name of the person|candidate's name|name of the applicant", "|"),
    "degree": words("degree|academic degree|highest degree", "|"),
    "university": words("university|school|name of the university", "|"),
    "employer": words("current employer|latest employer|most recent company", "|"),
    "position": words("current position|job title|latest position", "|"),
    "title": words("title|title of the {doc}|heading of the {doc}", "|"),
    "journal": words("journal|name of the journal|publication venue", "|"),
    "doi": words("DOI|digital object identifier", "|"),
    "keywords": words("keywords|key words", "|"),
    "period": words("period|reporting period|time period covered", "|"),
    "passport": words("passport number|passport no.", "|"),
    "patient": words("name of the patient|patient name", "|"),
    "birth_date": words("date of birth|birth date|birthday", "|"),
    "licence_plate": words("licence plate|vehicle registration number|car plate number", "|"),
    "insurance": words("insurance policy number|policy number|name of the insurer", "|"),
    "flight": words("flight number|departure time of the flight", "|"),
    "landlord": words("landlord|name of the landlord|tenant", "|"),
    "diagnosis": words("diagnosis|blood type|name of the doctor", "|"),
    "salary": words("salary|annual salary|monthly salary", "|"),
    "nationality": words("nationality|citizenship", "|"),
    "end_date": words("end date of the agreement|expiry date|expiration date", "|"),
    "ssn": words("social security number|national ID number", "|"),
    "tracking": words("tracking number|name of the carrier", "|"),
}
OWN: dict[str, tuple[str, ...]] = {
    "company": words(
        "Who is the seller?|Which store issued this {doc}?|Who issued this {doc}?|Where was this bought?|"
        "Which company issued the {doc}?|Which business is this {doc} from?|Whose {doc} is this?|"
        "What shop is this {doc} from?|Who sold these goods?|At which shop was the purchase made?|"
        "What is the business called?|Who is the {doc} from?|Which merchant was paid?",
        "|",
    ),
    "date": words(
        "When was this purchase made?|When was the {doc} issued?|On which day was this bought?|"
        "When did the transaction take place?|When was this {doc} printed?|What day is on the {doc}?|"
        "When was the {doc} dated?|On what date was the {doc} issued?",
        "|",
    ),
    "address": words(
        "Where is the store located?|Where is the company located?|What is the address printed on the {doc}?|"
        "Where can the shop be found?|Where is the seller based?|In which place is the business?|"
        "Where is the business located?|Where does the seller have its shop?",
        "|",
    ),
    "total": words(
        "How much was paid in total?|How much is the total?|How much does it come to?|"
        "How much has to be paid?|How much was spent?|What does everything cost together?|"
        "How much did the customer have to pay?|How much money is due?|What was the bill?|"
        "How much did it cost in all?|How much is this {doc} for?|What amount has to be paid?",
        "|",
    ),
    "tax": words(
        "How much tax was charged?|How much GST is included?|How much VAT is there?|How much of it is tax?", "|"
    ),
    "due_date": words(
        "When is the payment due?|By when must the {doc} be paid?|Until when can it be paid?|"
        "When does the {doc} have to be paid?",
        "|",
    ),
    "cash": words("How much cash did the customer give?|How much cash was handed over?", "|"),
    "change": words("How much change was given?|How much change did the customer get back?", "|"),
    "cashier": words("Who was the cashier?|Who served the customer?", "|"),
    "customer": words("Who is the customer?|Who is the {doc} addressed to?|Who was billed?|Who has to pay?", "|"),
    "time": words("At what time was the purchase made?|What time was it?", "|"),
    "sender": words("Who wrote this {doc}?|Who sent the {doc}?|Who signed the {doc}?", "|"),
    "recipient": words("Who is the {doc} addressed to?|Who received the {doc}?|To whom was it sent?", "|"),
    "subject": words("What is the {doc} about?", "|"),
    "effective_date": words(
        "When does the agreement take effect?|From when is the agreement valid?|When was the agreement made?", "|"
    ),
    "jurisdiction": words("Which state's law governs the agreement?|Under which law is the agreement made?", "|"),
    "term": words("How long does the agreement last?|For how long is the agreement in force?", "|"),
    "end_date": words("When does the agreement end?|When does the contract expire?", "|"),
    "degree": words("Which degree does the candidate hold?|What did the candidate study?", "|"),
    "university": words("Where did the candidate study?|Which university did the candidate attend?", "|"),
    "employer": words("Where does the candidate work?|Who is the current employer?", "|"),
    "landlord": words("Who is the landlord?|Who is the tenant?", "|"),
    "contract_signer": words("Who signed the contract?|Who witnessed the signature?", "|"),
    "patient": words("Who is the patient?|What medicine was prescribed?", "|"),
}
NEVER = (
    "passport",
    "patient",
    "birth_date",
    "licence_plate",
    "insurance",
    "flight",
    "landlord",
    "diagnosis",
    "salary",
    "nationality",
    "ssn",
    "tracking",
    "contract_signer",
)
"""Asked where nothing answers: fields that no layout of the other kinds prints."""
NEVER_ON_FORMS = (
    "subtotal",
    "change",
    "cash",
    "cashier",
    "service",
    "rounding",
    "due_date",
    "doi",
    "jurisdiction",
    "order_number",
    "table",
    "guests",
    "journal",
    "terminal",
    "degree",
    "shipping",
)
"""What a form's keys mean is open; these are certainly not meant."""

NEAR = words(
    "due_date due_date iban iban order_number customer terms shipping bank delivery_date email phone fax tax_id "
    "invoice_number discount subtotal tax address customer_address "
    "cashier end_date effective_date sender recipient change cash"
)
"""Fields that a page of this kind might well have had."""
FIELDS = tuple(dict.fromkeys((*NAMES, *OWN)))
"""Every field that has wordings of its own."""

HIDDEN_BY: dict[str, tuple[str, ...]] = {
    "due_date": ("due_date", "terms", "end_date"),
    "iban": ("iban", "bank"),
    "customer": ("customer", "recipient"),
    "recipient": ("recipient", "customer"),
    "sender": ("sender", "company", "name", "authors", "party"),
    "contract_signer": ("party", "sender", "name", "signature"),
    "end_date": ("end_date", "term", "due_date"),
    "position": ("position", "sender_title"),
    "employer": ("employer", "company", "sender"),
    "title": ("title", "subject", "company"),
    "company": ("company", "party", "sender", "employer", "registrant"),
    "party": ("party", "company"),
    "name": ("name", "company", "customer", "sender", "recipient", "authors", "party"),
    "subject": ("subject", "title", "sender"),
    "term": ("term", "terms", "period"),
    "tax": ("tax", "tax~2"),
    "quantity": ("quantity", "item_quantity#0"),
    "reference": ("reference", "invoice_number", "order_number"),
    "invoice_number": ("invoice_number", "reference", "order_number", "approval"),
    "bank": ("bank", "iban"),
    "date": ("date", "effective_date", "period"),
    "effective_date": ("effective_date", "date"),
    "table": ("table", "title"),
    "total": ("total", "amount"),
    "subtotal": ("subtotal", "net"),
    "payment": ("payment", "cash"),
    "email": ("email", "website", "sender"),
    "address": ("address", "customer_address"),
    "period": ("period", "date"),
    "university": ("university", "authors"),
    "degree": ("degree", "name"),
    "authors": ("authors", "name", "sender", "party", "company"),
    "cashier": ("cashier", "salesperson", "supervisor"),
    "salesperson": ("salesperson", "cashier", "sender", "name"),
    "delivery_date": ("delivery_date", "start_date"),
    "customer_number": ("customer_number", "member", "reference", "account"),
    "currency": ("currency", "total", "amount"),
}
"""A page that has one of these may well answer a question for the key: it is no page for it without an answer."""


NOT_SOLD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "company": (
        words("company|company name|name of the company|organization|name of the organization|firm", "|"),
        words(
            "Which company is the {doc} from?|Which company issued the {doc}?|From which organization is this {doc}?",
            "|",
        ),
    ),
    "date": (
        words("date|date of the {doc}|{doc} date|date on the {doc}", "|"),
        words(
            "When was the {doc} written?|On what day was it dated?|When was this {doc} dated?|"
            "What day is on the {doc}?",
            "|",
        ),
    ),
    "address": (
        words("address|sender's address|street address|full address|address at the top", "|"),
        words("Where is the sender located?", "|"),
    ),
    "time": (words("time|time of the {doc}", "|"), words("At what time was the {doc} sent?", "|")),
}
"""Names and questions for fields where nothing was bought."""
