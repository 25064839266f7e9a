import random
from dataclasses import replace

import pytest
import torch

from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.training.data.cases import Case
from layoutserve.model.training.evaluation.inference import infer_pages, infer_questions
from layoutserve.model.training.evaluation.scoring import score_docvqa, score_kie
from layoutserve.model.training.stages.batches import Labels, collate, sheet, targets
from layoutserve.model.training.stages.finetuning import (
    Source,
    Weights,
    draw,
    finetune,
    kie_loss,
    losses,
    token_weights,
    torch_infer,
)
from layoutserve.model.training.stages.loop import Schedule, State, Stop, optimizer, run

LABELS = Labels(("COMPANY", "DATE", "TOTAL"), ("receipt", "letter"))
HEADS = {"kie": len(LABELS.kie), "classification": 2, "docvqa": 2}


def test_kie_loss_is_cross_entropy_where_everything_is_labelled():
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, 0])
    expected = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    assert torch.allclose(kie_loss(logits, labels, torch.zeros(6, 5, dtype=torch.bool)), expected)


def test_a_label_its_source_does_not_know_is_no_mistake_on_o():
    logits = torch.tensor([[0.0, 9.0, 0.0]])
    unknown = torch.tensor([[False, True, False]])
    assert float(kie_loss(logits, torch.tensor([0]), unknown)) < 0.01
    assert float(kie_loss(logits, torch.tensor([2]), unknown)) > 8


def test_each_window_feeds_the_heads_it_has_labels_for(page, tokenizer, tiny):
    network, encoder = tiny(HEADS), Encoder(tokenizer)

    def parts(*rows):
        batch = collate(rows, len(LABELS.kie))
        outputs = network(batch.input_ids, batch.bbox, batch.image, batch.attention_mask, batch.token_type_ids)
        return losses(outputs, batch, Weights())

    (plain,), (asked,) = targets(page, encoder, LABELS), targets(page, encoder, LABELS, page.questions[0])
    assert set(parts(plain)) == {"kie", "classification"}
    assert set(parts(asked)) == {"kie", "docvqa"}
    assert set(parts(plain, asked)) == {"kie", "classification", "docvqa"}
    assert set(parts(replace(plain, kie=None, document_class=-1), asked)) == {"kie", "docvqa"}


def test_any_place_of_an_answer_is_right(page, tokenizer):
    encoder = Encoder(tokenizer)
    twice = replace(page.questions[0], spans=((4,), (len(page.words) - 1,)))
    (row,) = targets(page, encoder, LABELS, twice)
    batch = collate([row], len(LABELS.kie))
    assert int(batch.starts.sum()) == 2
    first, second = torch.where(batch.starts[0])[0].tolist()

    def loss(at):
        logits = torch.zeros(batch.input_ids.shape)
        logits[0, at] = 50.0
        outputs = {"docvqa_start_logits": logits, "docvqa_end_logits": logits}
        ends = replace(batch, ends=batch.starts)
        return float(losses(outputs, ends, Weights())["docvqa"])

    assert loss(first) < 1e-3 and loss(second) < 1e-3 and loss(0) > 10


def test_draws_are_the_same_for_the_same_seed(receipt, tokenizer):
    source = Source([sheet(receipt(name=str(i), company=f"C {i}")) for i in range(4)], asked=0.5)
    one, two = (draw([source], tokenizer, LABELS, 7) for _ in range(2))
    for _ in range(5):
        a, b = next(one), next(two)
        assert (a.encoding.input_ids == b.encoding.input_ids).all()
        assert a.answers == b.answers


def test_a_few_receipts_are_learnt(receipt, tokenizer, tiny, tmp_path):
    torch.manual_seed(0)
    random.seed(0)
    examples = [receipt(company=f"ACME {i} TRADING", total=f"{i}.00", name=str(i)) for i in (1, 2)]
    pages = [sheet(example) for example in examples]
    network = tiny(HEADS)
    schedule = Schedule(steps=60, batch_size=2, learning_rate=1e-2, bf16=False, warmup=0.05)
    source = Source(pages, asked=0.4)
    finetune(network, [source], LABELS, tokenizer, schedule, tmp_path)
    cases = [
        Case(page.page, e.values, page.spans, "receipt", tuple((q.text, q.answers) for q in e.questions))
        for page, e in zip(pages, examples, strict=True)
    ]
    encoder, infer = Encoder(tokenizer), torch_infer(network)
    head = Head(labels=LABELS.kie, fields={name: FieldSpec() for name in LABELS.entities})
    assert score_kie(infer_pages(cases, encoder, infer), head).metrics()["f1"] > 0.9
    answers = score_docvqa(infer_questions(cases, encoder, infer), Head())
    assert answers.anls > 0.7


def test_a_run_resumes_where_it_was(tmp_path):
    def build():
        torch.manual_seed(1)
        module = torch.nn.Linear(2, 1)
        return module, optimizer(module, Schedule(), ())

    def batches(step):
        while True:
            generator = torch.Generator().manual_seed(step)
            yield torch.randn(3, 2, generator=generator)
            step += 1

    def train(folder, steps):
        module, adam = build()
        state = run(module, adam, batches, lambda b: {"l": module(b).square().mean()}, schedule(steps), folder)
        return module, state

    def schedule(steps):
        # The rate depends on the length of the run: constant here, so that halves add up to the whole.
        return Schedule(steps=steps, warmup=0.0, learning_rate=1e-2, bf16=False)

    whole, state = train(tmp_path / "whole", 6)
    assert state.step == 6
    train(tmp_path / "parts", 3)
    parts, state = train(tmp_path / "parts", 6)
    assert state.step == 6
    assert not torch.equal(build()[0].weight, parts.weight)
    assert torch.allclose(whole.weight, parts.weight, atol=2e-2)


def test_the_rate_rises_and_falls():
    schedule = Schedule(warmup=0.1)
    assert [schedule.rate(p) for p in (0.0, 0.05, 0.1, 0.55, 1.0)] == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_on_step_can_stop_a_run(tmp_path):
    module = torch.nn.Linear(2, 1)

    def stop(state: State) -> None:
        if state.step == 2:
            raise Stop

    def batches(step):
        while True:
            yield torch.ones(1, 2)

    adam = optimizer(module, Schedule(), ())
    state = run(module, adam, batches, lambda b: {"l": module(b).mean()}, Schedule(steps=9), tmp_path, on_step=stop)
    assert state.step == 2


def test_early_stopping_keeps_the_best_weights(page, tokenizer, tiny, tmp_path):
    scores = iter([0.5, 0.9, 0.1, 0.1, 0.1, 0.1])
    seen = []

    def validate(network):
        seen.append({k: v.clone() for k, v in network.state_dict().items()})
        return next(scores)

    network = tiny({"kie": len(LABELS.kie)})
    schedule = Schedule(steps=50, batch_size=1, bf16=False, learning_rate=1e-3)
    state = finetune(
        network,
        [Source([page])],
        LABELS,
        tokenizer,
        schedule,
        tmp_path,
        validate=validate,
        validate_steps=2,
        patience=2,
    )
    assert state.step == 8
    assert torch.equal(network.state_dict()["kie.classifier.weight"], seen[1]["kie.classifier.weight"])


def test_an_entity_of_one_word_counts_as_much_as_one_of_four():
    labels = torch.tensor([0, 0, 1, 2, 2, 2, 2, 3, 5, 5, 3])  # O O COMPANY x 5, DATE, TOTAL x 2; DATE elsewhere
    row = torch.tensor([0] * 10 + [1])
    weights = token_weights(row, labels)
    assert weights[:7].tolist() == [1.0] * 7
    assert weights[7:].tolist() == [4.0, 2.0, 2.0, 4.0]


def test_biases_of_attention_have_a_rate_of_their_own(tiny):
    schedule = Schedule(fresh_factor=2.0, bias_factor=30.0)
    network = tiny(HEADS)
    factor = {
        id(p): group["factor"]
        for group in optimizer(network, schedule, ("qa_outputs",)).param_groups
        for p in group["params"]
    }
    assert factor[id(network.layoutlmv2.encoder.rel_pos_y_bias.weight)] == 30.0
    assert factor[id(network.docvqa.qa_outputs.weight)] == 2.0
    assert factor[id(network.layoutlmv2.embeddings.word_embeddings.weight)] == 1.0
