"""HTTP around the document model.

One request, file by file::

    server               uvicorn; on SIGTERM it drains, then exits 0; ``settings`` say how it runs
    telemetry            request id, log line, metrics around everything; ``tracing`` its spans
    http/app             the app: engine, jobs and routes, made once, and answers to errors
    http/routes          the paths, one for each row of ``wire/endpoints``; ``http/openapi`` the contract of them all
    http/security        headers for browsers, and the names under which the service is called
    http/auth            API keys and their names; ``http/head`` answers HEAD as GET
    http/request         one request: admit, read the body, answer at once, again under its key, or keep a job
    http/connections     its bytes: ended where the client is silent in its headers, or does not read
    http/uploads         bodies on their way in, at a least rate
    http/bodies          multipart or JSON, counted while it is read -> a request of ``wire/requests``
    http/content_encoding  bodies in gzip, inflated under the same limits
    http/validation      wrong parameters, told in words
    work/engine          admits documents, checks orders, drives pages through ``model.pipeline``, minds deadlines
    work/reading         documents decoded in fair turns, each in a process of its own
    sandbox/documents    the service's side of such a process, which ``sandbox/zygote`` forks and ``sandbox/reader`` is
    sandbox/confinement  rights and memory taken from it; ``sandbox/messages`` is what the processes say to each other
    work/catalog         the models that are served, by name and version
    work/repository      bundles on disk, watched: new ones take their names, damaged ones are quarantined
    work/backend         the place of the work: this process (``cluster``: Ray Serve's replicas)
    work/loading         bundles and sessions, loaded alike for the service, a cluster and the command line
    work/ocr_pool        pages to OCR workers, by language
    work/batching        windows in batches by token budget
    work/turns           fair turns of documents for pages, OCR workers and batches; jobs have a share
    work/cores           processors this process can keep busy
    work/jobs            documents answered later, while their leases last
    work/store/jobs      accepted, claimed, finished; ``work/store/idempotency`` keys of requests that may be repeated
    work/store/records   what is kept, and the database it takes: ``work/store/sqlite`` or ``work/store/postgresql``
    work/store/schema    its tables, brought up to date from every release
    work/retry_after     the time after which there should be room again
    wire/endpoints       the table of endpoints: a row is a path, its types, its answer and its ``wire/examples``
    wire/requests        bodies of requests -> requests of the pipeline, made of ``wire/scalars``
    wire/answers         results of the model -> answers of ``wire/schemas``
    wire/problems        errors -> RFC 9457 problems
    errors               errors, each with its status and what to do

``cli`` is the command line: ``cli/main`` (``__main__`` calls it) finds the commands, a module each; ``cli/running``
answers documents there without a server. serve, openapi, api_key and doctor are about the service, kie, classification,
docvqa, ocr and ocr_models about documents, export, run, evaluate, train, pretrain and synthesize about models.
"""
