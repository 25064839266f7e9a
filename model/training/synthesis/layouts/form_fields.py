"""What forms ask for: the keys in their wordings, and what people fill in."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.values import Values

FIELDS: dict[str, tuple[str, Callable[[Values], str]]] = {
    "name": (
        "Name|Full Name|Name of Applicant|Applicant Name|Applicant|Employee Name|Name (Last, First)|"
        "Surname and first name",
        lambda v: v.person(),
    ),
    "date": (
        "Date|Date of Application|Date submitted|Today's Date|Date of request|Form date",
        lambda v: v.date(v.day()),
    ),
    "birth_date": (
        "Date of Birth|Birth Date|DOB|Born on",
        lambda v: v.date(v.day().replace(year=v.rng.randint(1940, 2004), day=12)),
    ),
    "address": (
        "Address|Home Address|Mailing Address|Street Address|Permanent Address",
        lambda v: ", ".join(line.rstrip(",.") for line in v.address()[:3]),
    ),
    "phone": ("Phone|Telephone|Phone Number|Tel. No.|Daytime Phone|Mobile|Contact No.", lambda v: v.phone()),
    "fax": ("Fax|Fax Number|Facsimile", lambda v: v.phone()),
    "email": ("Email|E-mail Address|Email Address|E-mail", lambda v: v.email(v.person())),
    "company": (
        "Company|Organization|Company Name|Name of Organization|Firm|Business Name|Employer",
        lambda v: v.company(),
    ),
    "department": (
        "Department|Division|Dept.|Section",
        lambda v: v.pick("Sales|Research|Finance|Human Resources|Quality|Marketing|Production|Legal|IT Services"),
    ),
    "position": ("Position|Job Title|Occupation|Title", lambda v: str(v.fake.job())),
    "nationality": (
        "Nationality|Citizenship|Country of Citizenship",
        lambda v: v.pick("Malaysian|German|French|British|American|Indian|Italian|Dutch|Spanish|Canadian"),
    ),
    "passport": ("Passport No.|Passport Number", lambda v: v.digits("?########")),
    "sex": ("Sex|Gender", lambda v: v.pick("M|F|Male|Female")),
    "marital_status": ("Marital Status|Civil status", lambda v: v.pick("single|married|divorced|widowed")),
    "ssn": (
        "Social Security No.|National ID|ID Number|NRIC No.",
        lambda v: v.digits(v.pick("###-##-####|######-##-####")),
    ),
    "reference": (
        "Reference No.|Ref. No.|Case Number|File No.|Form No.|Registration No.|Control No.",
        lambda v: v.digits(v.pick("####|??-####|##-####-?|######")),
    ),
    "amount": (
        "Amount|Amount Requested|Total Cost|Estimated Cost|Budget|Fee",
        lambda v: v.money(v.price(20, 90000), v.one(v.locale.symbols)),
    ),
    "quantity": ("Quantity|No. of copies|Number of units|Qty Ordered", lambda v: str(v.rng.randint(1, 900))),
    "product": ("Product|Item|Description|Brand|Model|Material", lambda v: v.product()),
    "supervisor": ("Supervisor|Manager|Approved by|Reviewed by|Head of Department", lambda v: v.person()),
    "city": ("City|Town|Place", lambda v: str(v.fake.city())),
    "country": (
        "Country|Country of Origin",
        lambda v: v.pick("Malaysia|Germany|France|United Kingdom|USA|India|Italy|Netherlands|Spain|Singapore"),
    ),
    "postal_code": ("Postal Code|ZIP Code|Postcode|Zip", lambda v: v.digits("#####")),
    "start_date": ("Start Date|From|Date of Hire|Beginning Date|Departure Date", lambda v: v.date(v.day())),
    "end_date": ("End Date|To|Return Date|Completion Date|Valid until", lambda v: v.date(v.day())),
    "purpose": (
        "Purpose|Reason|Purpose of Visit|Reason for Request|Objective",
        lambda v: v.pick(
            "business trip|replacement of old unit|customer visit|annual review|training course|repair|"
            "test of new material|personal|trade fair"
        ),
    ),
    "account": ("Account No.|Account Number|Bank Account", lambda v: v.digits(v.pick("##########|####-####-##"))),
    "bank": ("Bank|Name of Bank|Bank Name", lambda v: f"{v.fake.last_name()} Bank"),
    "licence_plate": (
        "Licence Plate|Vehicle No.|Registration Plate",
        lambda v: v.digits(v.pick("??? ####|???-###|? ## ???")),
    ),
    "school": (
        "School|University|Institution",
        lambda v: f"{v.fake.last_name()} {v.pick('College|University|High School')}",
    ),
    "insurance": ("Insurance Company|Insurer|Policy No.", lambda v: v.digits("??-#######")),
    "doctor": ("Physician|Doctor|Referring Physician", lambda v: f"Dr. {v.fake.last_name()}"),
    "weight": ("Weight|Gross Weight|Weight (kg)", lambda v: f"{v.rng.randint(1, 999)} kg"),
    "temperature": ("Temperature|Storage Temperature", lambda v: f"{v.rng.randint(-20, 90)} C"),
    "sample": ("Sample No.|Batch No.|Lot No.|Serial Number", lambda v: v.digits(v.pick("S-####|######|?##-###"))),
    "method": (
        "Method|Test Method|Means of Transmittal|Type of Service",
        lambda v: v.pick("U.S. Mail|by hand|e-mail|express|courier|standard|ISO 2409"),
    ),
    "comments": (
        "Comments|Remarks|Notes|Additional Comments",
        lambda v: v.pick("none|see attached sheet|urgent|to be confirmed|call before delivery|not applicable"),
    ),
    "project": (
        "Project|Project Title|Project Name|Subject",
        lambda v: (
            v.pick("Blue|North|River|Silver|Delta|Atlas") + v.pick(" Study| Bridge| Launch| Program| Survey| Plant")
        ),
    ),
    "room": ("Room|Building|Location", lambda v: v.digits(v.pick("Room ###|Bldg. #|B-##"))),
    "time": ("Time|Time of Incident|Arrival Time", lambda v: v.time()),
    "signature": ("Signature|Signed|Signature of Applicant", lambda v: str(v.fake.last_name())),
    "copies": ("Copies to|cc|Distribution", lambda v: v.person()),
    "emergency": ("Emergency Contact|Next of Kin|Contact Person", lambda v: v.person()),
    "salary": ("Salary|Annual Salary|Monthly Income", lambda v: v.money(v.price(900, 90000), v.one(v.locale.symbols))),
}
