"""HTTP around the document model.

One request, file by file::

    server               uvicorn; on SIGTERM it drains, then exits 0
    http/app             what is built once: engine, jobs, routes, answers to errors
    telemetry            request id, log line, metrics around everything; ``tracing`` its spans
    http/routes          the paths, one for each row of ``wire/endpoints``; ``http/openapi`` the contract of them all
    http/auth            whose API key it is
    http/request         one request: admit, read the body, answer at once, again under its key, or keep a job
    http/bodies          multipart or JSON, counted while it is read -> a request of ``wire/requests``
    http/validation      what is wrong with parameters, in words
    work/engine          admits documents, checks orders, drives pages through ``model.pipeline``, minds deadlines
    work/backend         where the work is done: in this process (``cluster``: elsewhere)
    work/loading         bundles and sessions, loaded alike for the service, a cluster and the command line
    work/ocr_pool        pages to OCR workers, by language
    work/batching        windows in batches by token budget
    work/cores           processors this process can keep busy
    work/jobs            documents answered later; ``job_store`` keeps them under leases in SQLite (``database``)
    work/idempotency     keys of requests that may be repeated
    work/retry_after     when there should be room again
    wire/endpoints       the table of endpoints: a row is a path, its types, its answer and its ``examples``
    wire/requests        bodies of requests -> what the pipeline is asked for; ``scalars``: boxes, scores, pages
    wire/answers         results of the model -> answers of ``wire/schemas``
    wire/problems        errors -> RFC 9457 problems
    errors               what can go wrong, each with its status and what to do

``cli`` is the command line, a module for each command; ``cli/running`` answers documents there without a server.
"""
