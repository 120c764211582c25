"""`python -m data.sample FOLDER [ko|en]` writes the sample episode and its truth."""

import argparse
from pathlib import Path

from data.sample import make

parser = argparse.ArgumentParser(prog="python -m data.sample", description="Write the sample episode and its truth.")
parser.add_argument("folder", type=Path)
parser.add_argument("language", nargs="?", choices=("ko", "en"), default="ko", help="language of the dialogue")
arguments = parser.parse_args()
print(make(arguments.folder, arguments.language))
