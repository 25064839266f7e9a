"""The wire: bodies of requests, answers and problems, the table of endpoints, and results written as answers."""
