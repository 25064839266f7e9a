"""HTTP around the document model.

One request, file by file::

    server           uvicorn; on SIGTERM it drains, then exits 0
    app              what is built once: engine, jobs, routes, answers to errors
    telemetry        request id, log line, metrics around everything; ``tracing`` its spans
    routes           the paths; ``contract`` says in OpenAPI what they take and give
    authentication   whose API key it is
    exchange         one request: admit, read the body, answer at once, again under its key, or keep a job
    bodies           multipart or JSON, counted while it is read -> a request of ``schemas``
    engine           admits documents, drives the pages of ``model.pipeline``, stops at the deadline
    backend          where the work is done: sessions and OCR workers here (``cluster``: elsewhere)
    batching         windows in batches by token budget; pages to OCR workers
    answers          results of the model -> answers of ``schemas``
    jobs, job_store  documents answered later, in SQLite under leases
    errors           what can go wrong, and the one table of statuses

``cli`` and ``commands`` are the command line, ``local`` answers documents there without a server.
"""
