"""Stripe's Python library signs webhooks: stripe_signatures.py ORIGIN SECRET OTHER_SECRET

The server knows both secrets. It must keep what has `good` in its id, and nothing else.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from stripe import Webhook, WebhookSignature

origin, secret, other_secret = sys.argv[1:]
now = int(time.time())


def sign(payload, with_secret=secret, timestamp=now):
    return WebhookSignature.generate_signature_header(payload, with_secret, timestamp)


def signature(payload, with_secret=secret):
    return sign(payload, with_secret).split(",", 1)[1]


def event(name):
    return json.dumps({"id": f"evt_{name}", "object": "event", "type": "plan.created", "data": {"object": {"name": "Änne"}}})


def post(payload, header):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if header is not None:
        headers["Stripe-Signature"] = header
    request = urllib.request.Request(f"{origin}/api/webhooks/stripe", payload.encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def accepted(payload, header):
    answer = post(payload, header)
    assert answer == (200, {"received": True}), (answer, payload)


def refused(payload, header, code="invalid_signature"):
    status, body = post(payload, header)
    assert (status, body["code"]) == (400, code), (status, body, payload)


good = event("good_python")
# The library takes its own signature, so what is refused below is refused for the reason given.
Webhook.construct_event(good, sign(good), secret)
accepted(good, sign(good))
accepted(good, sign(good))

for name, header in {
    "other_secret": lambda payload: sign(payload, other_secret),
    "two_signatures": lambda payload: f"{sign(payload, 'whsec_of_somebody')},{signature(payload)}",
    "two_secrets": lambda payload: f"{sign(payload, other_secret)},{signature(payload)}",
    "test_scheme": lambda payload: f"{sign(payload)},v0={'0' * 64}",
    "slow": lambda payload: sign(payload, timestamp=now - 200),
}.items():
    payload = event(f"good_python_{name}")
    accepted(payload, header(payload))

bad = event("bad_python")
refused(bad.replace("bad", "bed"), sign(bad))
refused(f"{bad} ", sign(bad))
refused(bad, sign(bad, "whsec_of_somebody"))
refused(bad, sign(bad, f"{secret},{other_secret}"))
refused(bad, sign(bad, timestamp=now - 600))
refused(bad, sign(bad, timestamp=now + 600))
refused(bad, sign(bad).replace(f"t={now}", f"t={now + 1}"))
refused(bad, sign(bad).replace("v1=", "v0="))
refused(bad, "")
refused(bad, None)
refused("bad", sign("bad"), "invalid_event")

for of_a_version in json.loads(Path("../stripe_events.json").read_text()):
    # As Stripe writes it, and as short as can be.
    for indent, separators in ((2, None), (None, (",", ":"))):
        of_a_version["id"] += "_good"
        payload = json.dumps(of_a_version, indent=indent, separators=separators, ensure_ascii=False)
        accepted(payload, sign(payload))
