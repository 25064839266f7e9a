"""Building the model: labelled data, synthesis, pre-training, fine-tuning. Needs torch, unlike the rest of `model`."""
