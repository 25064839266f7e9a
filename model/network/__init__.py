"""[torch] The network, its checkpoints and its export. The running service never imports this package.

layoutlmv2, resnet_fpn (its backbone)   the network in torch
checkpoint, tokenizer                   Hugging Face's files, read and written
graph_builder, graphs                   the two ONNX graphs of a bundle, node by node
quantization, half_precision            those graphs in int8 and in float16
export                                  a checkpoint to a bundle, proved
ocr_int8                                the OCR models in int8
service_graphs                          two small graphs that the service cannot build itself
"""
