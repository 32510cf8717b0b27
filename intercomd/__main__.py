"""`python -m intercomd` is the `intercomd` command."""

import sys

from intercomd.cli.main import main

sys.exit(main())
