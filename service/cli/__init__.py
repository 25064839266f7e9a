"""One module for each command of ``layoutserve``: ``add_arguments(parser)`` and ``run(arguments) -> int``.

A command imports what it needs inside ``run``, so that ``layoutserve --help`` is quick and ``serve`` never loads torch.
"""
