"""The service as HTTP has it: the app and its paths, bodies and parameters, keys, and the contract in OpenAPI."""
