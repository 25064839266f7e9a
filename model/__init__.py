"""The document model: pages in, entities, classes and answers out. Knows no HTTP, no settings, no asyncio."""
