"""[torch] The network, its checkpoints and its export. The running service never imports this package.

config, box_embeddings, text_positions,   what the networks have in common
transformer, heads, relations, document_network
layoutlm, layoutlmv2, layoutlmv3, lilt    the networks in torch; resnet_fpn is LayoutLMv2's backbone
families                                  all of them by Hugging Face's names
checkpoint, tokenizer, sentencepiece      Hugging Face's files, read and written
graph_builder, layer_graph                ONNX graphs node by node: what builds them, and a layer of one
visual_graph, encoder_graph,              the graphs of a bundle
relations_graph
quantization, half_precision              those graphs in int8 and in float16
export                                    a checkpoint to a bundle, proved
ocr_int8                                  the OCR models in int8
service_graphs                            two small graphs that the service cannot build itself
"""
