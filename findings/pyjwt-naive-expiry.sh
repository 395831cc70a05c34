#!/usr/bin/env bash
# Expected: a token made with `exp = datetime.now() + timedelta(minutes=5)` is good for five minutes; datetime.now() is the
# time of the machine, and the library is handed a datetime, not a number.
# What happens: PyJWT takes a datetime without a zone for UTC, without a word. Where clocks are ahead of UTC the token is
# good for hours more (Asia/Seoul: 9 h 5 min), where they are behind it is born expired.
# Versions: PyJWT 2.15.1, Python 3.11.
# Why it matters: a shop in Seoul hands out five-minute tokens for a sale that are good until the evening. A ticketing
# server cannot tell them from what was meant; it can say at its log what `exp` it found, and ask for a fresh hello then.
# Exits with 0 as long as it is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyJWT==2.15.1
TZ=Asia/Seoul "$folder/venv/bin/python" - <<'PYTHON'
import sys, time
from datetime import datetime, timedelta
import jwt

token = jwt.encode({"sub": "fan", "exp": datetime.now() + timedelta(minutes=5)}, "x" * 32, algorithm="HS256")
left = jwt.decode(token, "x" * 32, algorithms=["HS256"])["exp"] - time.time()
print(f"PyJWT {jwt.__version__}: a token of five minutes is good for {left / 60:.0f} minutes")
sys.exit(0 if 9 * 3600 < left < 10 * 3600 else 1)
PYTHON
