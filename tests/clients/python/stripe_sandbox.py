"""Stripe's own client against the Stripe sandbox: stripe_sandbox.py ORIGIN

The sandbox must be new. Every object is held against the class that the client has for it.
"""

import json
import sys
import typing
import urllib.request
from contextlib import contextmanager

import stripe
from stripe import StripeClient

origin = sys.argv[1]
client = StripeClient("sk_test_x", base_addresses={"api": origin}, max_network_retries=0)
v1 = client.v1


def control(path):
    request = urllib.request.Request(f"{origin}/sandbox/{path}", method="POST")
    return json.load(urllib.request.urlopen(request))


def complete(thing, of):
    """Holds an object against its class, and the objects in it: each field that is never null must be there."""
    kinds = {name: kind for base in of.__mro__ for name, kind in vars(base).get("__annotations__", {}).items()}
    for name, kind in kinds.items():
        if name.startswith("_") or typing.get_origin(kind) is typing.ClassVar or type(None) in typing.get_args(kind):
            continue
        assert getattr(thing, name, None) is not None, f"{of.__name__} lacks {name}"
        if isinstance(kind, type) and issubclass(kind, stripe.StripeObject):
            complete(getattr(thing, name), kind)


@contextmanager
def refused(kind, **expected):
    try:
        yield
    except kind as error:
        for name, value in expected.items():
            assert getattr(error, name) == value, f"{name}: {getattr(error, name)}"
        assert error.request_id.startswith("req_")
    else:
        raise AssertionError(f"no {kind.__name__}")


customer = v1.customers.create(params={"email": "anna+1@example.com", "metadata": {"of": "ours & theirs"}})
complete(customer, stripe.Customer)
assert v1.customers.retrieve(customer.id).metadata["of"] == "ours & theirs"
assert v1.customers.update(customer.id, params={"name": "Änne"}).name == "Änne"
assert [it.id for it in v1.customers.list(params={"email": "anna+1@example.com"}).data] == [customer.id]

price = v1.prices.retrieve("price_sandbox_pro")
complete(price, stripe.Price)
wanted = {
    "mode": "subscription",
    "line_items": [{"price": price.id, "quantity": 1}],
    "success_url": "http://localhost/done?session_id={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://localhost/",
    "customer": customer.id,
    "client_reference_id": "ours",
    "subscription_data": {"metadata": {"customer_id": "ours"}},
    "allow_promotion_codes": True,
}
session = v1.checkout.sessions.create(params=wanted, options={"idempotency_key": "first"})
complete(session, stripe.checkout.Session)
assert session.url == f"{origin}/pay/{session.id}" and session.id.startswith("cs_test_")
again = v1.checkout.sessions.create(params=wanted, options={"idempotency_key": "first"})
assert again.id == session.id and again.last_response.headers["Idempotent-Replayed"] == "true"
with refused(stripe.IdempotencyError, http_status=400):
    v1.checkout.sessions.create(params={**wanted, "client_reference_id": "x"}, options={"idempotency_key": "first"})

control(f"sessions/{session.id}/pay")
session = v1.checkout.sessions.retrieve(session.id, params={"expand": ["subscription", "customer"]})
assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
assert session.customer.email == "anna+1@example.com"
subscription = session.subscription
assert isinstance(subscription, stripe.Subscription) and subscription.status == "active"
complete(subscription, stripe.Subscription)
complete(subscription["items"].data[0], stripe.SubscriptionItem)
assert subscription.metadata["customer_id"] == "ours"
assert [it.id for it in v1.subscriptions.list(params={"customer": customer.id, "status": "all"}).data] == [subscription.id]

invoice = v1.invoices.retrieve(subscription.latest_invoice)
complete(invoice, stripe.Invoice)
complete(invoice.lines.data[0], stripe.InvoiceLineItem)
assert invoice.parent.subscription_details.subscription == subscription.id and invoice.amount_paid == price.unit_amount

assert v1.subscriptions.update(subscription.id, params={"cancel_at_period_end": True}).cancel_at
assert v1.subscriptions.update(subscription.id, params={"cancel_at_period_end": False}).cancel_at is None
paused = v1.subscriptions.update(subscription.id, params={"pause_collection": {"behavior": "void"}})
assert paused.pause_collection.behavior == "void" and paused.status == "active"
assert v1.subscriptions.update(subscription.id, params={"pause_collection": ""}).pause_collection is None
control(f"subscriptions/{subscription.id}/pause")
assert v1.subscriptions.resume(subscription.id).status == "active"

portal = v1.billing_portal.sessions.create(params={"customer": customer.id, "return_url": "http://localhost/"})
complete(portal, stripe.billing_portal.Session)

control(f"subscriptions/{subscription.id}/dispute")
[disputed] = v1.events.list(params={"type": "charge.dispute.created", "created": {"gte": subscription.created}}).data
complete(disputed, stripe.Event)
complete(disputed.data.object, stripe.Dispute)
charge = v1.charges.retrieve(disputed.data.object.charge)
complete(charge, stripe.Charge)
assert charge.customer == customer.id and charge.disputed
assert v1.events.retrieve(disputed.id).id == disputed.id

assert v1.subscriptions.cancel(subscription.id).status == "canceled"
with refused(stripe.InvalidRequestError, http_status=404, code="resource_missing"):
    v1.subscriptions.cancel(subscription.id)

open_session = v1.checkout.sessions.create(params={**wanted, "customer": "", "customer_email": "b@example.com"})
assert v1.checkout.sessions.expire(open_session.id).status == "expired"
with refused(stripe.InvalidRequestError, http_status=400):
    v1.checkout.sessions.expire(open_session.id)

every = [it.type for it in v1.events.list(params={"limit": 2}).auto_paging_iter()]
assert every[0] == "checkout.session.expired" and every[-1] == "customer.subscription.created" and len(every) > 5

with refused(stripe.InvalidRequestError, http_status=404, code="resource_missing"):
    v1.checkout.sessions.retrieve("cs_test_unknown")
with refused(stripe.InvalidRequestError, http_status=400, param="line_items[0][price]"):
    v1.checkout.sessions.create(params={**wanted, "line_items": [{"price": "price_unknown", "quantity": 1}]})
with refused(stripe.AuthenticationError, http_status=401):
    StripeClient("sk_live_x", base_addresses={"api": origin}).v1.customers.list()
