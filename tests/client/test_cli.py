import csv
import io
import json
import subprocess
import sys

import pytest

from layoutserve_client import cli


@pytest.fixture
def run(server, capsys, monkeypatch):
    """Run the command line against the scripted server; gives exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setenv("LAYOUTSERVE_BASE_URL", server.url)
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def folder(tmp_path):
    for name in ("b.pdf", "a.JPG", "deep/c.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_files_folders_and_globs(run, server, wire, folder):
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.KIE))
    code, out, err = run("kie", folder)
    assert (code, err) == (0, "")
    assert [json.loads(line)["file"] for line in out.splitlines()] == [
        str(folder / name) for name in ("a.JPG", "b.pdf", "deep/c.png")
    ]
    assert json.loads(out.splitlines()[0])["fields"]["total"]["value"]["amount"] == "9.00"
    _, out, _ = run("kie", folder / "notes.txt", folder / "**" / "*.png")
    assert [json.loads(line)["file"][-9:] for line in out.splitlines()] == ["notes.txt", "eep/c.png"]


def test_what_was_asked_is_sent(run, server, wire, folder):
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.DOCVQA))
    code, _, _ = run(
        "docvqa", folder / "b.pdf", "-q", "Who?", "-q", "When?", "--top-k", 2, "--pages", "1-2", "--model", "m"
    )
    assert code == 0
    form = server.requests[0].form
    assert form == {
        "file": [b"b.pdf"],
        "question": [b"Who?", b"When?"],
        "top_k": [b"2"],
        "pages": [b"1-2"],
        "model": [b"m"],
    }


def test_json(run, server, wire, folder):
    server.answers(wire.Answer(wire.ANSWERED | wire.KIE), wire.Answer(wire.problem(422, "invalid-document"), 422))
    code, out, err = run("kie", folder / "a.JPG", folder / "b.pdf", "--format", "json", "--concurrency", 1)
    good, bad = json.loads(out)
    assert good["entities"][0]["box"] == [70, 10, 100, 20]
    assert bad["error"]["status"] == 422
    assert bad["error"]["kind"] == "InvalidRequest"
    assert code == 1
    assert "b.pdf: 422: This is invalid-document." in err


def test_csv(run, server, wire, folder, tmp_path):
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.KIE))
    code, out, _ = run("kie", folder / "a.JPG", "--format", "csv", "--output", tmp_path / "out.csv")
    assert (code, out) == (0, "")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert row == {
        "file": str(folder / "a.JPG"), "label": "TOTAL", "text": "9.00", "value": "9.00", "currency": "MYR",
        "score": "0.97", "page": "1", "x0": "70", "y0": "10", "x1": "100", "y1": "20",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("task", "options", "cells"),
    [
        ("kie", (), ["TOTAL", "9.00", "MYR", "0.970"]),
        ("classification", (), ["receipt", "0.900", "invoice"]),
        ("docvqa", ("-q", "x"), ["What is the total?", "9.00", "0.800"]),
        ("ocr", (), ["THANKS", "0.900"]),
        ("analyze", (), ["kie", "TOTAL", "classification", "receipt", "docvqa", "What is the total?"]),
    ],
)
def test_a_table_for_every_task(run, server, wire, folder, task, options, cells, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    parts = {"kie": wire.KIE, "classification": wire.CLASSIFICATION, "docvqa": wire.DOCVQA, "ocr": {}}
    body = wire.ANSWERED | (parts if task == "analyze" else parts[task])
    server.answers(otherwise=wire.Answer(body))
    code, out, _ = run(task, folder / "a.JPG", *options, "--format", "table")
    assert code == 0
    assert all(cell in out for cell in cells)


def test_a_table_says_where_nothing_was_found(run, server, wire, folder):
    server.answers(
        wire.Answer(wire.ANSWERED | {"entities": [], "fields": {}}), wire.Answer(wire.problem(413, "large"), 413)
    )
    code, out, _ = run("kie", folder / "a.JPG", folder / "b.pdf", "--format", "table", "--concurrency", 1)
    assert code == 1
    assert "nothing found" in out.replace("\n", "")
    assert "failed" in out


def test_a_question_without_an_answer(run, server, wire, folder):
    none = {"question": "Who?", "answers": [], "no_answer_score": 0.9}
    server.answers(otherwise=wire.Answer(wire.ANSWERED | {"answers": [none]}))
    _, out, _ = run("docvqa", folder / "a.JPG", "-q", "Who?", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["question"], row["answer"], row["score"]) == ("Who?", "", "0.9")


def test_as_jobs(run, server, wire, folder):
    result = wire.ANSWERED | wire.KIE
    server.answers(wire.Answer(wire.job("queued"), 202), wire.Answer(wire.job("succeeded", result=result)))
    code, out, _ = run("kie", folder / "b.pdf", "--job")
    assert code == 0
    assert json.loads(out)["request_id"] == "abc123"


def test_models(run, server, wire):
    server.answers(otherwise=wire.Answer({"models": [wire.MODEL]}))
    _, out, _ = run("models")
    assert json.loads(out)["labels"]["classification"] == ["receipt", "invoice"]
    _, out, _ = run("models", "--format", "csv")
    assert out.splitlines()[1] == "starter,1.0.0,Apache-2.0,kie classification docvqa,int8,native,yes"


def test_a_missing_file_does_not_stop_the_others(run, server, wire, folder):
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.KIE))
    code, out, err = run("kie", folder / "missing.jpg", folder / "a.JPG")
    assert code == 1
    assert len(out.splitlines()) == 2
    assert "missing.jpg cannot be read: No such file or directory." in err


def test_exit_code_when_there_is_no_server_or_no_access(run, server, wire, folder, monkeypatch):
    monkeypatch.setattr(cli, "RETRIES", 0)
    server.answers(otherwise=wire.Answer(wire.problem(401, "unauthorized"), 401))
    assert run("kie", folder)[0] == 3
    assert run("models")[0] == 3
    server.close()
    code, _, err = run("models", "--url", "http://127.0.0.1:1")
    assert code == 3
    assert "cannot be reached" in err


def test_wrong_use(run, folder, tmp_path, capsys):
    for arguments in (
        ("kie",),
        ("kie", folder / "deep" / "*.pdf"),
        ("docvqa", folder / "a.JPG"),
        ("kie", folder, "--concurrency", 0),
        ("kie", folder, "--format", "xml"),
    ):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2
    capsys.readouterr()
    code, _, err = run("kie", folder, "--output", tmp_path / "no" / "such" / "folder")
    assert code == 2
    assert "No such file" in err


def test_a_table_without_rich_is_refused_before_any_work(run, server, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.table", None)
    code, _, err = run("kie", folder, "--format", "table")
    assert code == 2
    assert "layoutserve-client[cli]" in err
    assert server.requests == []


def test_it_is_installed_as_a_script():
    done = subprocess.run(
        [sys.executable, "-m", "layoutserve_client.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert "Exit codes" in done.stdout
