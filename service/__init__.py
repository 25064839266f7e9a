"""HTTP around the document model.

One request, file by file::

    server               uvicorn; on SIGTERM it drains, then exits 0
    http/app             what is built once: engine, jobs, routes, answers to errors
    telemetry            request id, log line, metrics around everything; ``tracing`` its spans
    http/routes          the paths; ``http/openapi`` says in OpenAPI what they take and give
    http/auth            whose API key it is
    http/request         one request: admit, read the body, answer at once, again under its key, or keep a job
    http/bodies          multipart or JSON, counted while it is read -> a request of ``wire/schemas``
    http/validation      what is wrong with parameters, in words
    work/engine          admits documents, drives the pages of ``model.pipeline``, stops at the deadline
    work/backend         where the work is done: in this process (``cluster``: elsewhere)
    work/loading         bundles and sessions, loaded alike for the service, a cluster and the command line
    work/ocr_pool        pages to OCR workers, by language
    work/batching        windows in batches by token budget
    work/cores           processors this process can keep busy
    work/jobs, job_store documents answered later, in SQLite under leases
    work/retry_after     when there should be room again
    wire/endpoints       the endpoints with an example of each
    wire/answers         results of the model -> answers of ``wire/schemas``
    errors               what can go wrong, each with its status and what to do

``cli`` is the command line, a module for each command; ``cli/running`` answers documents there without a server.
"""
