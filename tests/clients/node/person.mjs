// The person in front of the browser: person.mjs ADDRESS PERMISSIONS
//
// Opens the address that an app sends them to, logs in with their key if asked to, ticks the permissions on the consent
// page, and lets the app in; or, where there are no permissions, does not.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const puppeteer = createRequire(new URL('../../browser/node/steps.mjs', import.meta.url))('puppeteer-core')
const { CHROMIUM, HEYCMO_KEY } = process.env

/** What the browser shows in the end. */
export async function decide(address, permissions) {
  const args = process.getuid() === 0 ? ['--no-sandbox'] : []
  const browser = await puppeteer.launch({ executablePath: CHROMIUM, args })
  try {
    const page = await browser.newPage()
    const complaints = []
    page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(address)
    if (new URL(page.url()).pathname === '/login') {
      await page.type('#key', HEYCMO_KEY)
      await Promise.all([page.waitForNavigation(), page.click('main button[type=submit]')])
    }
    assert.equal(new URL(page.url()).pathname, '/oauth/authorize', page.url())
    const policy = await page.$eval('h1', heading => heading.innerText)
    assert.match(policy, /^Let .* into your account\?$/)
    for (const box of await page.$$('input[name=scope]')) {
      const { scope, isTicked } = await box.evaluate(it => ({ scope: it.value, isTicked: it.checked }))
      if (isTicked !== permissions.includes(scope)) await box.click()
    }
    const decision = permissions.length ? 'allow' : 'deny'
    // The first press gives a page the focus that it has from the beginning where somebody sits before it.
    await page.click('h1')
    await page.waitForSelector(`button[value=${decision}]:not([aria-disabled])`)
    await Promise.all([page.waitForNavigation(), page.click(`button[value=${decision}]`)])
    assert.deepEqual(complaints, [])
    return await page.evaluate(() => document.body.innerText)
  } finally {
    await browser.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await decide(process.argv[2], (process.argv[3] ?? '').split(' ').filter(Boolean))
}
