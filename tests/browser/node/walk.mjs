// From the start page to a published piece, and out again.

import assert from 'node:assert/strict'
import * as steps from './steps.mjs'
import { browse, follow, gateway, says, title } from './steps.mjs'

const soon = days => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

await browse(async page => {
  await steps.order(page, 'anna@example.com')
  const key = await steps.pay(page)
  await steps.open(page, `${gateway}/login`)
  await steps.enter(page, 'API key', key)
  const home = page.url()
  await says(page, 'Nothing waits for your decision.')

  await follow(page, 'Connections', 'link')
  await follow(page, 'Connect X')
  await follow(page, 'Allow')
  await says(page, 'X is connected.')

  // What the assistant does arrives by itself.
  await steps.open(page, home)
  if (steps.hasScript) await page.waitForSelector('[data-live-state].on')
  const call = await steps.assistant(key)
  await call('create_content', { kind: 'x_post', body: 'We fix slow pages.' })
  await call('create_content', { kind: 'x_post', body: 'We fix fast pages.' })
  if (!steps.hasScript) await page.reload()
  await steps.hears(page, 'A post on X was drafted')
  await steps.hears(page, '2 pieces wait for your decision.')

  // Decided in place: one to be changed, one approved. Nothing jumps meanwhile.
  if (steps.hasScript) await steps.moved(page)
  await steps.settle(page, 'Approve: We fix fast pages.', 'Approved. Give it a time', '1 piece waits for your decision.')
  await steps.unfold(page, 'Ask for a change')
  const reason = await page.$('details[open] textarea')
  await reason.type('Say how.')
  await steps.settle(page, 'Ask for this change', 'Nothing waits for your decision.', '1 piece to change as you asked')
  if (steps.hasScript) assert.deepEqual(await steps.moved(page), [])
  assert.match(await call('list_content', { status: 'changes_requested' }), /We fix slow pages/)

  // Given a time, and published all the same.
  await follow(page, 'Content', 'link')
  await follow(page, 'We fix fast pages.', 'link')
  await page.$eval('#at', (input, at) => (input.value = at), `${soon(3)}T09:00`)
  await steps.settle(page, 'Schedule', 'It has its time.', 'Take the time away')
  await follow(page, 'Content', 'link')
  await follow(page, 'Month', 'link')
  if (new Date(soon(3)).getMonth() !== new Date().getMonth()) await follow(page, 'Later', 'link')
  await says(page, 'We fix fast pages.', 'Approved')
  await steps.open(page, `${home}/content`)
  await follow(page, 'We fix fast pages.', 'link')
  await steps.unfold(page, 'Publish now')
  await steps.settle(page, 'Publish on X', 'It is out on X', 'Published')

  // A page is scanned.
  await follow(page, 'Scans', 'link')
  await steps.enter(page, 'Page to scan', `${gateway}/`)
  await says(page, 'For search engines', 'Do this first')

  // Another key, and the end of the first one, in every window.
  const other = await page.browser().newPage()
  await other.setJavaScriptEnabled(steps.hasScript)
  await other.goto(home)
  await page.bringToFront()
  await follow(page, 'Keys & billing', 'link')
  await follow(page, 'Make a key')
  const second = await page.$eval('#key', shown => shown.textContent)
  assert.match(second, steps.KEY)
  await follow(page, 'I have it', 'link')
  const own = await page.$('li:has(h3 .badge) summary')
  await steps.press(page, own)
  const revoke = await page.$('li:has(h3 .badge) button')
  await Promise.all([page.waitForNavigation(), steps.press(page, revoke)])
  assert.equal(await title(page), 'Log in')
  if (steps.hasScript) {
    await other.bringToFront()
    await other.waitForFunction(() => location.pathname === '/login')
  }
  await other.close()
  await page.bringToFront()
  await steps.enter(page, 'API key', second)
  assert.equal(page.url(), home)
  await follow(page, 'Log out')
  await steps.open(page, home)
  assert.equal(await title(page), 'Log in')
})
