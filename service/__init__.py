"""HTTP around the document model."""
