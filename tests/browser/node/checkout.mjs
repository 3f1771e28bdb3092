// What does not go as it should between the start page and the key.

import assert from 'node:assert/strict'
import * as steps from './steps.mjs'
import { browse, follow, gateway, says, title } from './steps.mjs'

await browse(async page => {
  // An address that is none.
  await steps.open(page, gateway)
  assert.equal(await steps.enter(page, 'Your e-mail', 'anna'), 400)
  await says(page, 'Enter an e-mail address such as anna@example.com.')
  assert.equal(await page.$eval('#email', input => input.value), 'anna')

  // Second thoughts.
  await steps.order(page, 'anna@example.com')
  await follow(page, 'Cancel and go back')
  assert(page.url().startsWith(`${gateway}/`), page.url())
  await says(page, 'You left the checkout. Nothing was charged; begin again whenever you like.')

  // A card that is declined; then another.
  await steps.order(page, 'anna@example.com')
  const checkout = page.url()
  await follow(page, 'Let the payment fail')
  assert.equal(page.url(), checkout)
  await says(page, 'The payment was declined. Try again.')
  assert.match(await steps.pay(page), steps.KEY)

  // Who pays already is not charged twice.
  await steps.open(page, gateway)
  assert.equal(await steps.enter(page, 'Your e-mail', 'anna@example.com'), 409)
  await says(page, 'Start')

  // A payment that takes time: the page looks again by itself.
  await steps.order(page, 'ben@example.com')
  assert.equal(await follow(page, 'Pay later, by bank debit'), 409)
  assert.equal(await title(page), 'Your payment is on its way')
  const other = await page.browser().newPage()
  await steps.open(other, steps.sandbox)
  await follow(other, 'The payment arrives')
  await other.close()
  await page.bringToFront()
  await page.waitForSelector('#key')
  assert.equal(await title(page), 'Your API key')

  // An address that was cut.
  assert.equal(await steps.open(page, `${gateway}/checkout/success?session_id=cs_test_1`), 404)
  assert.equal(await title(page), 'There is no such checkout')
})
