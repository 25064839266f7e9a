"""``python -m service`` is the console script ``layoutserve``."""

import sys

from service.cli import main

sys.exit(main())
