"""``layoutserve kie``, ``classification`` and ``docvqa`` on drawn documents, through a real bundle and real OCR."""

import json

import pytest

from layoutserve.service.cli.main import main


@pytest.fixture
def receipt_png(tmp_path, receipt):
    path = tmp_path / "receipt.png"
    path.write_bytes(receipt)
    return path


def results(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_kie_answers_as_the_service_does(bundle, receipt_png, capsys):
    assert main(["kie", str(receipt_png), "--bundle", str(bundle), "--json"]) == 0
    (found,) = results(capsys)
    assert found["file"] == str(receipt_png)
    assert found["model"]["name"] == "tiny"
    words = [word["text"] for word in found["pages"][0]["words"]]
    assert "TOTAL" in words and "12.50" in words
    for entity in found["entities"]:
        assert entity["text"] == " ".join(words[index] for index in entity["words"])
    assert found["timings_ms"].keys() >= {"read", "ocr", "encode", "infer", "decode"}


def test_a_file_that_fails_does_not_stop_the_others(bundle, receipt_png, tmp_path, capsys):
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    files = [tmp_path / "missing.png", tmp_path / "broken.pdf", receipt_png]
    assert main(["classification", *map(str, files), "--bundle", str(bundle), "--json", "--ocr", "never"]) == 2
    printed = capsys.readouterr()
    (found,) = map(json.loads, printed.out.splitlines())
    assert found["file"] == str(receipt_png)
    assert {c["label"] for c in found["classes"]} == {"receipt", "invoice", "letter"}
    assert f"{tmp_path / 'missing.png'}: the file cannot be read" in printed.err
    assert f"{tmp_path / 'broken.pdf'}: " in printed.err
    assert "Traceback" not in printed.err


def test_docvqa_answers_every_question_in_order(bundle, receipt_png, capsys):
    asked = ["What is the total?", "When was it bought?"]
    arguments = ["docvqa", str(receipt_png), "--bundle", str(bundle), "--json", "--top-k", "2"]
    assert main([*arguments, "-q", asked[0], "--question", asked[1]]) == 0
    (found,) = results(capsys)
    assert [answers["question"] for answers in found["answers"]] == asked
    for answers in found["answers"]:
        assert len(answers["answers"]) <= 2
        assert 0 <= answers["no_answer_score"] <= 1


@pytest.mark.parametrize(
    "command", [["kie"], ["classification", "--ocr", "never"], ["docvqa", "--ocr", "never", "-q", "What is the total?"]]
)
def test_a_table_for_people(bundle, receipt_png, command, capsys):
    assert main([*command, str(receipt_png), "--bundle", str(bundle)]) == 0
    printed = capsys.readouterr()
    assert "receipt.png" in printed.out
    assert "1 page" in printed.err
    said = {"kie": "Entities", "classification": "invoice", "docvqa": "(no answer)"}
    assert said[command[0]] in printed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kie", "--bundle", "nothing-of-the-kind"], "There is no bundle nothing-of-the-kind"),
        (["kie", "--rules", "magic"], "no decoding rule 'magic'"),
        (["docvqa", "-q", " "], "question is empty"),
    ],
)
def test_what_concerns_all_files_is_said_once(bundle, receipt_png, arguments, message, capsys):
    command = [arguments[0], str(receipt_png), *arguments[1:]]
    if "--bundle" not in command:
        command += ["--bundle", str(bundle)]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"layoutserve {arguments[0]}: ") and message in printed.err
    assert printed.out == ""


def test_rules_can_be_switched_off(bundle, receipt_png, capsys):
    arguments = ["kie", str(receipt_png), "--bundle", str(bundle), "--json", "--rules"]
    assert main([*arguments, "none"]) == main([*arguments, "single-valued"]) == 0
    plain, single = results(capsys)
    labels = [entity["label"] for entity in single["entities"] if entity["label"] != "PARTY"]
    assert len(labels) == len(set(labels))
    assert len(plain["entities"]) > len(single["entities"])
