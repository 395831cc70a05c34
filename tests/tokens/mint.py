"""Signs tokens with PyJWT. Reads a list of {key, algorithm, claims, headers} on stdin, gives a list of tokens."""
import json
import sys

import jwt

tokens = []
for wanted in json.load(sys.stdin):
    tokens.append(jwt.encode(wanted["claims"], wanted["key"], algorithm=wanted["algorithm"], headers=wanted.get("headers")))
json.dump(tokens, sys.stdout)
