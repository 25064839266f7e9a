"""``python -m layoutserve.service`` is the console script ``layoutserve``."""

import sys

from layoutserve.service.cli.main import main

sys.exit(main())
