// Platforms connected, declined, disconnected and connected again by a person in their account.

import assert from 'node:assert/strict'
import * as steps from './steps.mjs'
import { browse, follow, gateway, sandbox, says, title } from './steps.mjs'

/** What the page says of a platform. */
const state = (page, platform) => page.$eval(`#platform-${platform} .state`, it => it.innerText)

/** The page of connections, of whoever is logged in. */
async function connections(page) {
  await steps.open(page, `${gateway}/login`)
  await follow(page, 'Connections', 'link')
}

await browse(async page => {
  await steps.order(page, 'anna@example.com')
  const key = await steps.pay(page)
  await steps.open(page, `${gateway}/login`)
  await steps.enter(page, 'API key', key)
  await follow(page, 'Connections', 'link')
  assert.equal(await state(page, 'google_analytics'), 'Not connected')

  // From the page.
  for (const [platform, name] of [['google_analytics', 'Google Analytics'], ['x', 'X']]) {
    await follow(page, `Connect ${name}`)
    assert(page.url().startsWith(`${sandbox}/composio/connect/ln_`), page.url())
    assert.equal(await title(page), `Connect ${name}`)
    await follow(page, 'Allow')
    assert(page.url().includes('/connections?'), page.url())
    await says(page, `${name} is connected.`)
    assert.match(await state(page, platform), /^Connected since /)
  }

  // From a link that the assistant was given.
  const call = await steps.assistant(key)
  const answer = await call('connect_platform', { platform: 'linkedin' })
  const [link] = answer.match(/http[^\s"\\]+\/composio\/connect\/ln_\w+/)
  await steps.open(page, link)
  await follow(page, 'Allow')
  await says(page, 'LinkedIn is connected.')

  // Second thoughts.
  await follow(page, 'Connect Instagram')
  await follow(page, 'Deny')
  await says(page, 'Instagram was not connected.')
  assert.match(await state(page, 'instagram'), /^Not connected/)
  assert.match(await state(page, 'x'), /^Connected since /)

  // A link is good once, and goes nowhere else.
  assert.equal(await steps.open(page, link), 400)
  await says(page, 'This link was used already')
  assert.equal(await steps.open(page, `${gateway}/api/composio/callback?state=v1.AAAA&status=success`), 400)
  assert.equal(await title(page), 'This connection was not made')
  await follow(page, 'Open your dashboard', 'link')
  assert.match(await call('list_connections'), /X \(`x`\), for numbers and publishing: connected since/)

  await connections(page)
  await follow(page, 'Disconnect X')
  assert.equal(await state(page, 'x'), 'Not connected')

  // The newest account is LinkedIn's but for the one that was denied.
  await steps.open(page, `${sandbox}/composio`)
  const sections = await page.$$('section')
  for (const section of sections) {
    if ((await section.evaluate(it => it.innerText)).startsWith('LinkedIn')) {
      const [expire] = await section.$$('form[action$="/expire"] button')
      await Promise.all([page.waitForNavigation(), expire.click()])
      break
    }
  }
  await says(page, 'EXPIRED')
  await connections(page)
  assert.match(await state(page, 'linkedin'), /^Needs to be connected again/)
  await follow(page, 'Reconnect LinkedIn')
  await follow(page, 'Allow')
  assert.match(await state(page, 'linkedin'), /^Connected since /)
})
