"""The work behind the paths: documents admitted, driven through the pipeline, in batches, at once or as jobs."""
