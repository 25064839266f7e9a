"""Running text from small grammars: contract clauses, letters, messages, articles, résumé lines.

A grammar maps a symbol to alternatives separated by ``|``; ``{symbol}`` in an alternative is replaced in turn.
"""

import re
from collections.abc import Mapping
from random import Random

_SLOT = re.compile(r"\{(\w+)\}")


def expand(rng: Random, symbol: str, grammar: Mapping[str, str]) -> str:
    """One sentence (or more) of ``symbol``."""
    text = rng.choice(grammar[symbol].split("|")).strip()
    return _SLOT.sub(lambda match: expand(rng, match[1], grammar), text)


CONTRACT = {
    "heading": "Definitions|Confidential Information|Purpose|Obligations of the Receiving Party|Exclusions|Term|"
    "Termination|Governing Law|Return of Materials|No License|Remedies|Notices|Assignment|"
    "Entire Agreement|Severability|Amendments|Non-Solicitation|Waiver|Required Disclosure|No Warranty|"
    "Counterparts|Payment|Services|Independent Contractor|Intellectual Property|Indemnification",
    "clause": "The {receiver} shall hold all Confidential Information in {care} and shall not {disclose} it to any "
    'third party without the prior written consent of the {giver}.|The term "Confidential Information" '
    "means any {kind} information, {medium}, that is disclosed by the {giver} to the {receiver} in "
    "connection with the {purpose}.|"
    "Confidential Information does not include information which {exception}, or which {exception}.|The "
    "{receiver} agrees to use the Confidential Information solely for the purpose of {evaluating} the "
    "{purpose} and for no other purpose.|Upon the written request of the {giver}, the {receiver} shall "
    "promptly {return} all documents and other materials containing Confidential Information.|Nothing in "
    "this Agreement shall be construed as granting any {right} under any patent, copyright, trademark or "
    "trade secret.|The parties acknowledge that {harm} and that the {giver} shall be entitled to seek "
    "{remedy} in addition to any other remedy available at law.|If the {receiver} is required by "
    "{authority} to disclose any Confidential Information, it shall give the {giver} prompt notice so "
    "that it may seek a protective order.|This Agreement constitutes the entire understanding between "
    "the parties with respect to its subject matter and supersedes all prior {talks}.|"
    "No failure or delay in exercising any right under this Agreement shall operate as a waiver thereof.|"
    "If any provision of this Agreement is held to be {void}, the remaining provisions shall remain in "
    "full force and effect.|Neither party may assign this Agreement without the prior written consent of "
    "the other party, except to {successor}.|All notices under this Agreement shall be in writing and "
    "shall be delivered by {delivery} to the address set out above.|The {receiver} shall limit access to "
    "the Confidential Information to those of its {people} who need to know it for the {purpose}.|This "
    "Agreement may be executed in counterparts, each of which shall be deemed an original and all of "
    "which together constitute one instrument.|"
    "The obligations set out in this Section shall survive the {ending} of this Agreement.|During the "
    "term of this Agreement neither party shall solicit for employment any {people} of the other party.|"
    "The {giver} makes no representation or warranty as to the {quality} of the Confidential "
    "Information.|This Agreement may be amended only by a written instrument signed by {signers}.",
    "receiver": "Receiving Party|Recipient|Receiving Party",
    "giver": "Disclosing Party|Company|Disclosing Party|Discloser",
    "care": "strict confidence|confidence|trust and confidence|the strictest confidence",
    "disclose": "disclose|reveal|disclose, publish or otherwise make available|communicate",
    "kind": "non-public|proprietary|technical, financial or commercial|confidential or proprietary|business",
    "medium": "whether written or oral|in any form or medium|whether or not marked as confidential|"
    "in tangible or intangible form",
    "purpose": "Transaction|proposed business relationship|Purpose|possible acquisition|Project|joint development|"
    "Services",
    "exception": "is or becomes generally available to the public|was already known to the {receiver}|"
    "is independently developed by the {receiver}|is received from a third party free of any obligation|"
    "is approved for release in writing",
    "evaluating": "evaluating|negotiating|carrying out|considering",
    "return": "return or destroy|return|deliver up or destroy|return to the {giver}",
    "right": "licence or right|right, title or interest|license, express or implied,",
    "harm": "damages may not be an adequate remedy for a breach of this Agreement|a breach may cause irreparable harm",
    "remedy": "injunctive relief|specific performance|equitable relief|an injunction",
    "authority": "law|a court of competent jurisdiction|any governmental authority|subpoena or regulation",
    "talks": "agreements and understandings|negotiations, representations and agreements|"
    "discussions, whether oral or written",
    "void": "invalid or unenforceable|void|illegal, invalid or unenforceable",
    "successor": "a successor to all or substantially all of its business|an affiliate|the purchaser of its assets",
    "delivery": "registered mail|overnight courier|hand or by certified mail|e-mail or courier",
    "people": "employees|directors, officers and employees|employees and advisers|representatives",
    "ending": "termination|expiration or termination|expiry",
    "quality": "accuracy or completeness|completeness|fitness for a particular purpose",
    "signers": "both parties|authorized representatives of both parties|each of the parties",
}

LETTER = {
    "subject": "Your order of last month|Change of our bank details|Renewal of your subscription|"
    "Complaint about a delivery|Invitation to our annual meeting|Confirmation of your appointment|"
    "Application for the position advertised|Request for a quotation|Outstanding payment|"
    "Notice of rent adjustment|Reference for a former employee|Cancellation of contract|"
    "Approval of your application|New opening hours|Insurance claim|Warranty repair|Membership renewal|"
    "Proposal for cooperation|Road works near your property|School trip in spring|"
    "Update of our terms and conditions",
    "body": "Thank you for your letter of {when}.|"
    "We are pleased to inform you that your {matter} has been {done}.|"
    "I am writing to you with regard to the {matter} which we discussed {when}.|"
    "Unfortunately we have to tell you that the {matter} cannot be {done} before {later}.|"
    "Please find enclosed the {paper} that you asked for.|"
    "We would be grateful if you could send us the {paper} by {later}.|"
    "As you may know, our {unit} will be moving to a new building {later}.|"
    "Should you have any questions, please do not hesitate to contact our {unit}.|We apologize for the "
    "inconvenience that this has caused and have taken steps to make sure that it does not happen again.|"
    "Our {unit} has looked into the {matter} and came to the conclusion that it should be {done}.|"
    "We kindly remind you that the {paper} has not reached us yet.|"
    "I would like to thank you and your team for the support in the {matter}.|"
    "Over the past years we have had the pleasure of working with you, and we hope to continue {later}.|"
    "The costs will be borne by our {unit}, so that nothing needs to be paid by you.|"
    "Enclosed you will also find a {paper} for your records.|"
    "Please sign the {paper} and return one copy to us.|We look forward to hearing from you soon.|"
    "A member of our {unit} will call you {later} to arrange the details.|"
    "In case the {matter} has been {done} already, please disregard this letter.",
    "when": "last week|the third of this month|yesterday|in our last meeting|some days ago|in spring|on the telephone",
    "later": "the end of the month|next week|in the coming quarter|early next year|within fourteen days|on Monday|"
    "after the holidays",
    "matter": "application|claim|order|request|delivery|contract|account|project|repair|booking|proposal|complaint|"
    "membership",
    "done": "approved|completed|processed|reviewed|accepted|cancelled|renewed|registered|confirmed",
    "paper": "form|agreement|catalogue|certificate|statement|quotation|report|questionnaire|price list|brochure",
    "unit": "customer service|sales department|office|finance team|legal department|support team|branch|management",
}

EMAIL = {
    **LETTER,
    "subject": "Meeting on {day}|Re: {matter} status|Fwd: {paper} for review|Quick question about the {matter}|"
    "Draft {paper} attached|Lunch {day}?|RE: Updated {paper}|Reminder: {matter} due {day}|"
    "Agenda for {day}|Travel plans|Server maintenance {day}|Your {matter}|Minutes of the call|"
    "Action needed: {paper}|Out of office {day}|Budget numbers|New {paper} available",
    "body": "Just a quick note that the {matter} was {done} {when}.|"
    "Could you have a look at the attached {paper} and let me know what you think?|"
    "I talked to the {unit} {when}, and they are fine with it.|Can we move the meeting to {day}?|"
    "Sorry for the late reply.|I will be out of the office until {day}.|"
    "Thanks for your help with the {matter}.|See my comments below.|Let me know if {day} works for you.|"
    "The {unit} needs the {paper} by {later}, so please send it as soon as you can.|"
    "Please forward this to whoever is in charge of the {matter}.|I have attached the latest {paper}.|"
    "We still have two open points on the {matter}.|"
    "The call is at ten, the dial-in is the same as before.|"
    "Everybody should read the {paper} before we meet {day}.|"
    "It looks like the {matter} is going to take a bit longer than planned.",
    "day": "Monday|Tuesday|Wednesday|Thursday|Friday|tomorrow|next week",
}

ARTICLE = {
    "title": "{quality} {method} for {task} in {setting}|On the {property} of {object} {condition}|"
    "Towards {quality} {task} with {method}|A {quality} Approach to {task}|"
    "{method} and {method}: A Comparative Study of {task}|The Role of {object} in {setting}|"
    "Measuring the {property} of {object} by {method}|{task} {condition}: Evidence from {setting}",
    "quality": "Robust|Efficient|Scalable|Adaptive|Unified|Sparse|Bayesian|Nonlinear|Distributed|Low-Cost|"
    "High-Resolution",
    "method": "Spectral Analysis|Graph Networks|Monte Carlo Simulation|Gradient Methods|Finite Elements|"
    "Kernel Regression|Neutron Scattering|Random Forests|Perturbation Theory|Mass Spectrometry|"
    "Latent Variable Models|Lattice Models|Attention Networks",
    "task": "Image Segmentation|Parameter Estimation|Traffic Prediction|Protein Folding|Signal Recovery|"
    "Phase Detection|Risk Assessment|Speech Recognition|Crop Monitoring|Galaxy Classification|"
    "Noise Reduction|Document Analysis|Energy Forecasting",
    "setting": "Urban Areas|Noisy Environments|Large Databases|Thin Films|Coastal Regions|Sensor Networks|"
    "Small Samples|Dense Plasmas|Early Childhood|Emerging Markets|Deep Ocean Sediments|Social Networks",
    "object": "Magnetic Domains|Boundary Layers|Binary Stars|Soil Bacteria|Random Matrices|Polymer Chains|"
    "Word Embeddings|Quantum Dots|Market Indices|Neural Circuits|Gravity Waves|Alloys",
    "property": "Stability|Structure|Dynamics|Complexity|Conductivity|Diversity|Convergence|Symmetry|Distribution",
    "condition": "at Low Temperature|under Uncertainty|in Two Dimensions|with Missing Data|over Finite Fields|"
    "at High Energies|under Load",
    "section": "Introduction|Related Work|Background|Methods|Materials and Methods|Experiments|Results|Discussion|"
    "Conclusion|Model|Data|Theory|Numerical Results|Analysis|Experimental Setup|Evaluation|Preliminaries|"
    "Acknowledgements",
    "sentence": "In this {paper} we {study} the {aspect} of {subject} {under}.|"
    "We {show} that the {aspect} {grows} with the {variable}.|"
    "The {variable} is {measured} {under} and compared with {previous}.|"
    "{previous} have {studied} {subject} {under}, but the {aspect} remains unclear.|"
    "Figure {digit} shows the {aspect} as a function of the {variable}.|"
    "As can be seen in Table {digit}, the {variable} {grows} {under}.|"
    "Let {symbol} denote the {variable} and assume that {symbol} is bounded.|"
    "The results are {consistent} with {previous} [{digit}].|"
    "For {subject}, the {variable} was {measured} with an accuracy of {digit} %.|"
    "It follows that the {aspect} does not depend on the {variable}.|"
    "This {suggests} that {subject} may be described by a simple model of the {aspect}.|"
    "To {study} the {aspect}, we {measure} the {variable} {under}.|"
    "However, the {aspect} of {subject} {grows} more slowly than expected from {previous}.|"
    "The remainder of this {paper} is organized as follows.|"
    "Our approach differs from {previous} in that the {variable} is {measured} directly.|"
    "The authors thank the referees for helpful comments.|"
    "A similar behaviour was found for {subject} by {previous} [{digit}, {digit}].|"
    "We note that {symbol} vanishes {under}.",
    "paper": "paper|article|work|study|section",
    "study": "study|investigate|analyse|examine|consider",
    "studied": "studied|investigated|analysed|discussed",
    "show": "show|find|demonstrate|prove|observe",
    "aspect": "stability|structure|convergence|error|distribution|rate|variance|spectrum|intensity|accuracy|efficiency",
    "subject": "thin films|random graphs|the proposed method|dense suspensions|the observed stars|large samples|"
    "the training set|neural networks|the measured signal|coupled oscillators|the control group|"
    "soil samples",
    "under": "at low temperature|under these conditions|in the limit of large samples|"
    "for all values of the parameter|in the absence of noise|over a wide range|"
    "with respect to the baseline|in three dimensions",
    "grows": "increases|decreases|grows linearly|varies|saturates|scales",
    "variable": "temperature|field strength|sample size|number of iterations|concentration|frequency|learning rate|"
    "pressure|density|depth",
    "measured": "measured|estimated|computed|determined|fitted",
    "measure": "measure|estimate|compute|vary",
    "previous": "earlier studies|the theory|previous work|recent experiments|the reference model|other authors",
    "consistent": "consistent|in good agreement|at variance|compatible",
    "suggests": "suggests|implies|indicates",
    "symbol": "x|k|f(x)|T|E|p(x)|n|S(q)",
    "digit": "1|2|3|4|5|6|7|8|12|15",
}

RESUME = {
    "position": "Software Engineer|Project Manager|Accountant|Sales Representative|Nurse|Teacher|Data Analyst|"
    "Mechanical Engineer|Marketing Manager|Graphic Designer|Office Assistant|Research Scientist|"
    "Electrician|Chef|Lawyer|Store Manager|Web Developer|Logistics Coordinator|Human Resources Officer|"
    "Quality Inspector|Architect|Consultant|Bank Clerk|Technical Writer",
    "degree": "Bachelor of Science in {field}|Master of Science in {field}|BSc {field}|MSc {field}|"
    "Bachelor of Arts in {field}|PhD in {field}|Diploma in {field}|MBA|B.Eng. in {field}",
    "field": "Computer Science|Economics|Mechanical Engineering|Biology|Business Administration|Mathematics|"
    "Design|History|Chemistry|Law|Civil Engineering|Psychology|Physics|Nursing|Education",
    "university": "University of {town}|{town} State University|{town} Institute of Technology|"
    "Technical University of {town}|{town} College",
    "town": "Ashford|Brookfield|Clayton|Dunmore|Easton|Fairview|Greenville|Hartford|Kingsley|Lakewood|Milford|"
    "Newport|Oakdale|Riverton|Salem|Westfield",
    "duty": "{led} a team of {count} people in the {unit}.|{improved} the {process} and cut costs by {count} %.|"
    "{wrote} {papers} for customers and management.|Responsible for the {process} of the {unit}.|"
    "{led} the introduction of a new {system}.|Trained new members of the {unit}.|"
    "Worked with the {unit} on the {process}.|Planned and {improved} the {process} with a new {system}.|"
    "Answered customer questions about {papers}.",
    "led": "Led|Managed|Supervised|Coordinated",
    "improved": "Improved|Reorganized|Automated|Redesigned",
    "wrote": "Wrote|Prepared|Reviewed|Edited",
    "papers": "reports|budgets|contracts|manuals|presentations|tenders",
    "process": "order process|production line|hiring process|monthly reporting|quality control|customer service|"
    "stock keeping|testing",
    "system": "accounting system|database|website|booking system|warehouse system|learning platform",
    "unit": "sales department|engineering team|finance office|warehouse|laboratory|support desk|marketing team",
    "count": "5|8|10|12|15|20|25|30",
    "skill": "Python|Java|SQL|Excel|Project planning|Negotiation|Public speaking|AutoCAD|Photoshop|German|French|"
    "Spanish|First aid|Bookkeeping|SAP|Machine learning|Technical writing|Forklift licence|Customer care|"
    "HTML and CSS|Team leadership|Statistics",
    "summary": "{position} with {count} years of experience in the {unit}.|Reliable {position} who likes to work "
    "with people.|Looking for a new challenge as a {position}.|{position} with a background in {field}.",
}
