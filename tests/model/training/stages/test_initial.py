import torch
from torch.nn.functional import cosine_similarity

from layoutserve.model.training.stages.initial import network


def test_near_places_look_alike_from_the_start():
    table = network({}).layoutlmv2.embeddings.y_position_embeddings.weight
    near = cosine_similarity(table[500], table[502], dim=0)
    far = cosine_similarity(table[500], table[700], dim=0)
    assert near > 0.9 > far
    assert torch.allclose(table.std(), torch.tensor(0.02), atol=0.005)


def test_text_weights_are_those_of_the_sentence_model():
    again, once = (network({}, seed=seed).layoutlmv2 for seed in (1, 2))
    assert torch.equal(again.embeddings.word_embeddings.weight, once.embeddings.word_embeddings.weight)
    assert not torch.equal(again.visual_proj.weight, once.visual_proj.weight)
