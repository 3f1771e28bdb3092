// Somebody who never was here: pays, gets the key once, works with it, logs in and out.

import assert from 'node:assert/strict'
import * as steps from './steps.mjs'
import { browse, follow, gateway, says, title } from './steps.mjs'

const EMAIL = 'anna@example.com'

/** Every client's configuration is ready, with the key in it. */
async function configurations(page, key) {
  for (const id of ['claude-code', 'claude-desktop', 'cursor', 'sse-url']) {
    const text = await page.$eval(`#${id}`, shown => shown.textContent)
    assert(text.includes(key) && text.includes(`${steps.mcp}/mcp`), text)
  }
  const link = new URL(await page.$eval('a[href^="cursor:"]', link => link.href))
  assert(atob(link.searchParams.get('config')).includes(key))
}

/** Each button copies the text beside it and says so; without script there is none. */
async function copyButtons(page) {
  const buttons = await page.$$('[data-copies]')
  assert.equal(buttons.length, 6)
  if (!steps.hasScript) {
    for (const button of buttons) assert.equal(await button.isVisible(), false)
    return
  }
  await page.browserContext().overridePermissions(gateway, ['clipboard-read', 'clipboard-write', 'clipboard-sanitized-write'])
  for (const button of buttons) {
    // One under another tab is gone to first, as a person would.
    const tab = await button.evaluate(button => button.closest('.tab-panel.off')?.getAttribute('aria-labelledby'))
    if (tab) await page.click(`#${tab}`)
    await button.click()
    await page.waitForFunction(button => button.textContent === 'Copied', {}, button)
    const [copied, shown] = await button.evaluate(async button => [
      await navigator.clipboard.readText(),
      document.getElementById(button.dataset.copies).textContent,
    ])
    assert.equal(copied, shown)
  }
}

/** The arrows go from tab to tab and around; without script all stands below each other, under headings. */
async function tabs(page) {
  const shown = () => page.$$eval('.tab-panel', all => all.filter(it => it.checkVisibility()).map(it => it.id))
  if (!steps.hasScript) {
    assert.deepEqual(await shown(), ['for-claude-code', 'for-claude-desktop', 'for-cursor', 'for-other'])
    for (const heading of await page.$$('.tab-panel h3')) assert(await heading.isVisible())
    return
  }
  await page.focus('#tab-claude-code')
  for (const [key, wanted] of [['ArrowRight', 'claude-desktop'], ['End', 'other'], ['ArrowRight', 'claude-code'], ['ArrowLeft', 'other'], ['Home', 'claude-code']]) {
    await page.keyboard.press(key)
    assert.deepEqual(await shown(), [`for-${wanted}`], key)
    assert.equal(await page.evaluate(() => document.activeElement.id), `tab-${wanted}`)
  }
}

await browse(async page => {
  await steps.order(page, EMAIL)
  const key = await steps.pay(page)
  assert.match(key, steps.KEY)
  await says(page, EMAIL, 'Keep it now.')
  await configurations(page, key)
  await tabs(page)
  await copyButtons(page)
  const session = page.url()
  // Green once the key is used, and not before.
  await says(page, steps.hasScript ? 'Waiting for the first call…' : 'Test my connection')

  const dashboard = await page.$eval('a[href^="/api/dashboard/"]', link => link.href)
  const customer = dashboard.split('/').at(-1)
  const account = await fetch(`${gateway}/api/customer/${customer}`, { headers: { authorization: `Bearer ${key}` } })
  assert.equal((await account.json()).email, EMAIL)

  const call = await steps.assistant(key)
  if (steps.hasScript) {
    await steps.hears(page, 'It works: the first call has arrived.')
  } else {
    await follow(page, 'Test my connection', 'link')
    await says(page, 'It works')
    await steps.open(page, session)
  }
  await call('create_content', { kind: 'x_post', body: 'We fix slow pages.' })

  await page.reload()
  assert.equal(await title(page), 'Your key was shown already')
  await says(page, EMAIL, 'Key lost? Ask whoever runs this site for a new one')
  assert(!(await page.content()).includes(key))

  await follow(page, 'Log in with your key', 'link')
  assert.equal(await title(page), 'Log in')
  assert.equal(await steps.enter(page, 'API key', `${key.slice(0, -4)}beef`), 401)
  await says(page, 'This key is unknown, revoked or expired.')
  assert.equal(await steps.enter(page, 'API key', key), 200)
  assert.equal(page.url(), dashboard)
  await says(page, '1 piece waits for your decision', 'We fix slow pages.')

  await follow(page, 'Keys & billing', 'link')
  await says(page, EMAIL)
  await follow(page, 'Manage billing')
  await says(page, 'Your subscription', EMAIL)
  await follow(page, 'Go back', 'link')
  assert.equal(page.url(), dashboard)

  await follow(page, 'Log out')
  assert.equal(page.url(), `${gateway}/`)
  // Neither by the address nor by the browser's memory.
  await steps.open(page, dashboard)
  assert.equal(await title(page), 'Log in')
  await page.goBack()
  await page.goBack()
  assert(!(await steps.said(page)).includes('We fix slow pages.'))
  await steps.open(page, session)
  assert.equal(await title(page), 'Your key was shown already')
})
