"""Training itself: the network to start from, batches and their augmentation, the loop, pre-training, fine-tuning."""
