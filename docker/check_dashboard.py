"""Asks a Prometheus every query of the dashboard: ``check_dashboard.py URL``. Needs Python alone.

Prints how many series each panel gets. Exit code 1 when a query is refused, or a panel gets none. Alerts need not
fire, but their queries must be understood.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

DASHBOARD = Path(__file__).parent / "grafana" / "dashboards" / "layoutserve.json"


def queries() -> Iterator[tuple[str, str]]:
    """Panel and query, with Grafana's variables filled in."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "2m").replace("$instance", ".*")


def ask(url: str, path: str, **parameters: str) -> dict[str, object]:
    """One call of Prometheus' API; what it refuses, in its own words."""
    try:
        with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def main() -> int:
    """Check all panels and rules."""
    url, faults = sys.argv[1].rstrip("/"), 0
    for title, query in queries():
        answer = ask(url, "query", query=query)
        # What divides nothing by nothing is no data either.
        found = [row for row in answer.get("data", {}).get("result", ()) if row["value"][1] != "NaN"]
        print(f"{len(found):3} series  {title}" + ("" if found else f"   NO DATA: {answer.get('error', query)}"))
        faults += not found
    for group in ask(url, "rules")["data"]["groups"]:
        for rule in group["rules"]:
            print(f"    alert   {rule['name']}: {rule['health']}, {rule['state']} {rule.get('lastError', '')}")
            faults += rule["health"] != "ok"
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
