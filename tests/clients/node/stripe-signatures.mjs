// Stripe's Node.js library signs webhooks: stripe-signatures.mjs ORIGIN SECRET OTHER_SECRET
//
// The server knows both secrets. It must keep what has `good` in its id, and nothing else.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import Stripe from 'stripe'

const [origin, secret, otherSecret] = process.argv.slice(2)
const stripe = new Stripe('sk_test_x')
const now = Math.floor(Date.now() / 1000)

const sign = (payload, { with: key = secret, at = now } = {}) =>
  stripe.webhooks.generateTestHeaderString({ payload, secret: key, timestamp: at })
const event = (name) =>
  JSON.stringify({ id: `evt_${name}`, object: 'event', type: 'plan.created', data: { object: { name: 'Änne' } } })

async function post(body, header) {
  const signature = header === undefined ? {} : { 'stripe-signature': header }
  const headers = { 'content-type': 'application/json; charset=utf-8', ...signature }
  const answer = await fetch(`${origin}/api/webhooks/stripe`, { method: 'POST', headers, body })
  return { status: answer.status, body: await answer.json() }
}

async function accepted(payload, header) {
  assert.deepEqual(await post(payload, header), { status: 200, body: { received: true } }, payload)
}

async function refused(payload, header) {
  const { status, body } = await post(payload, header)
  assert.deepEqual([status, body.code], [400, 'invalid_signature'], payload)
}

const good = event('good_node')
// The library takes its own signature, so what is refused below is refused for the reason given.
stripe.webhooks.constructEvent(good, sign(good), secret)
await accepted(good, sign(good))

const other = event('good_node_other_secret')
await accepted(other, sign(other, { with: otherSecret }))
const two = event('good_node_two_signatures')
await accepted(two, `${sign(two, { with: 'whsec_of_somebody' })},${sign(two).split(',')[1]}`)

const bad = event('bad_node')
await refused(bad.replace('bad', 'bed'), sign(bad))
await refused(bad, sign(bad, { with: 'whsec_of_somebody' }))
await refused(bad, sign(bad, { at: now - 600 }))
await refused(bad, sign(bad, { at: now + 600 }))
await refused(bad, '')
await refused(bad)

for (const ofAVersion of JSON.parse(await readFile('../stripe_events.json', 'utf8'))) {
  const payload = JSON.stringify({ ...ofAVersion, id: `${ofAVersion.id}_good_node` }, null, 2)
  await accepted(payload, sign(payload))
}
