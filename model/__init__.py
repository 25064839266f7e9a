"""The document model: pages in, entities, classes and answers out. Knows no HTTP, no settings, no asyncio."""

import os

# ONNX Runtime's wheels (1.29 and later) send usage data to their maker and leave a device id in the home folder, unless
# told not to before they are imported. Nothing about a document's processing leaves the machine, so it is told here,
# where every import of it passes; who wants it anyway sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
