"""Verifies messages. Reads a list of {secret, headers, body} on stdin, gives a list of what each is: its type, or an error."""
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

found = []
for message in json.load(sys.stdin):
    try:
        found.append(Webhook(message["secret"]).verify(message["body"], message["headers"])["type"])
    except WebhookVerificationError as error:
        found.append(f"refused: {error}")
json.dump(found, sys.stdout)
