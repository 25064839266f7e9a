"""Posts documents side by side and counts the answers: ``load.py URL FILE REQUESTS CLIENTS``. Needs Python alone.

Prints one JSON object: answers by status (0: no answer at all), the longest time in seconds, and how many answers
came from no instance. FILE is a BMP: its last pixels are changed, so that no two documents are the same.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BOUNDARY = "layoutserve-load"


def post(url: str, document: bytes) -> tuple[int, float, bool]:
    """Post one document; its status, seconds, and whether the proxy had no instance to ask."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="page.bmp"\r\n\r\n'.encode()
    body = part + document + f"\r\n--{BOUNDARY}--\r\n".encode()
    request = urllib.request.Request(
        url, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}, method="POST"
    )
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
            status, text = answer.status, b""
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError:
        status, text = 0, b""
    return status, time.perf_counter() - began, b"No instance" in text


def main() -> None:
    """Post as many as were asked for."""
    url, path, requests, clients = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    document = path.read_bytes()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda number: post(url, document[:-8] + number.to_bytes(8)), range(requests)))
    statuses = Counter(status for status, _, _ in answers)
    print(
        json.dumps(
            {
                "statuses": {str(status): statuses[status] for status in sorted(statuses)},
                "longest_s": round(max(seconds for _, seconds, _ in answers), 1),
                "from_no_instance": sum(lost for _, _, lost in answers),
            }
        )
    )


if __name__ == "__main__":
    main()
