// What a person sees of a page that waits, is refused, fails or has no connection: said where they look, with nothing lost.

import assert from 'node:assert/strict'
import * as steps from './steps.mjs'
import { browse, gateway, says } from './steps.mjs'

const GONE = 'There is no connection just now. This page goes on by itself once it is back.'

/** Begins to ask for a change, in the form of a piece; its text field. */
async function askForAChange(page, reason) {
  if (!(await page.$('details[open] textarea'))) await steps.unfold(page, 'Ask for a change')
  const field = await page.$('details[open] textarea')
  await field.type(reason)
  return field
}

const typed = page => page.$eval('details[open] textarea', field => field.value)
const problem = page => page.$eval('details[open] [role=alert]', it => it.textContent)
const send = async page => (await steps.element(page, 'Ask for this change', 'button')).click()

await browse(async page => {
  await steps.order(page, 'anna@example.com')
  const key = await steps.pay(page)
  const call = await steps.assistant(key)
  const [id] = (await call('create_content', { kind: 'x_post', body: 'We fix slow pages.' })).match(/cnt_\w+/)
  await steps.open(page, `${gateway}/login`)
  await steps.enter(page, 'API key', key)
  await page.waitForSelector('[data-live-state].on')

  // Without a connection; and with it again, by itself.
  await page.setOfflineMode(true)
  await steps.hears(page, GONE)
  await says(page, 'Not live')
  await askForAChange(page, 'Say how.')
  await send(page)
  await page.waitForSelector('details[open] [role=alert]')
  assert.match(await problem(page), /^There is no connection just now. What you wrote is still here/)
  assert.equal(await typed(page), 'Say how.')
  await page.setOfflineMode(false)
  await page.waitForSelector('[data-live-state].on')
  await page.waitForFunction(text => !document.body.innerText.includes(text), {}, GONE)

  // An error of ours: at the form, and what was typed stays.
  await page.setRequestInterception(true)
  const answers = { body: '<!doctype html><main id="main"><h1>This did not work</h1><p>Something went wrong on our side.</p></main>' }
  let held
  const answer = request => {
    if (request.method() !== 'POST') return request.continue()
    if (answers.body) return request.respond({ status: 500, contentType: 'text/html', body: answers.body })
    held = request
  }
  page.on('request', answer)
  await send(page)
  await page.waitForFunction(() => document.querySelector('details[open] [role=alert]')?.textContent.includes('on our side'))
  assert.match(await problem(page), /What you wrote is still here/)
  assert.equal(await typed(page), 'Say how.')

  // While it is under way it says so, and is not sent twice.
  answers.body = undefined
  await send(page)
  await page.waitForFunction(() => document.querySelector('#main').ariaBusy === 'true')
  assert(await page.$eval('details[open] button', button => button.disabled))
  assert.equal(await page.$('details[open] [role=alert]'), null, 'what was wrong before is not any more')
  // Meanwhile the piece has become another one: the answer is a refusal, with the new words and the old reason.
  await call('update_content', { contentId: id, body: 'We fix slow pages, mostly.' })
  await held.continue()
  await steps.hears(page, 'Revision 1 is not the current one')
  page.off('request', answer)
  await page.setRequestInterception(false)
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'alert')
  assert.equal(await typed(page), 'Say how.')
  await says(page, 'We fix slow pages, mostly.')
  await steps.settle(page, 'Ask for this change', 'Nothing waits for your decision.')
  assert.match(await call('get_content', { contentId: id }), /Say how\./)
})
