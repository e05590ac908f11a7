"""`python -m tunewell` is the command `tunewell`, also where that is not on the path."""

import sys

from tunewell.cli import main

if __name__ == "__main__":
    sys.exit(main())
