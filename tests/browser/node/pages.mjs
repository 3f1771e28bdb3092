// Every page in each colour scheme, on a desk, a tablet and a phone: whole, legible, still while it is read, and usable by
// keyboard.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as steps from './steps.mjs'
import { browse, follow, gateway, sandbox } from './steps.mjs'

const SCHEMES = ['light', 'dark']
const TABLET = 768
// Not as a phone's own browser: changing to that loads a page again, and a key is shown once.
const SCREENS = [
  { width: 1440, height: 900 },
  { width: TABLET, height: 1024 },
  { width: 360, height: 740 },
]
const { HEYCMO_SHOTS: shots } = process.env
/** What is wrong with any of the pages. */
const found = []
const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')

/** What is wrong with the page as it stands; run in the page. */
function faults(width) {
  const found = []
  const note = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 160)}`)
  const isShown = element => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0
  const all = [...document.body.querySelectorAll('*')].filter(isShown)

  if (!document.documentElement.lang) found.push('the page names no language')
  if (!document.title) found.push('the page has no title')
  const headings = document.querySelectorAll('h1').length
  if (headings !== 1) found.push(`${headings} h1`)
  if (document.documentElement.scrollWidth > width) found.push('the page scrolls sideways')

  for (const element of all) {
    const { left, right, height } = element.getBoundingClientRect()
    const style = getComputedStyle(element)
    if (right > width + 0.5 || (left < -0.5 && right > 0)) note('reaches out of the page', element)
    if (style.overflowX === 'hidden' && element.scrollWidth > element.clientWidth + 1) note('is cut', element)
    if (element.matches('input, select, textarea') && element.type !== 'hidden' && !element.labels.length) note('has no label', element)
    // A box to tick is as large as its label.
    const pressed = element.type === 'checkbox' ? element.labels[0].getBoundingClientRect().height : height
    if (element.matches('button, .button, input, summary') && pressed < 36) note(`is only ${pressed} px high`, element)
    if (element.matches('a, button') && !(element.innerText.trim() || element.ariaLabel)) note('says nothing', element)
  }

  // Contrast as WCAG counts it, of every text.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const over = (color, below) => {
    canvas.fillStyle = `rgb(${below})`
    canvas.fillRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const isDark = matchMedia('(prefers-color-scheme: dark)').matches
  const surface = element =>
    element ? over(getComputedStyle(element).backgroundColor, surface(element.parentElement)) : isDark ? [18, 18, 18] : [255, 255, 255]
  const light = color => {
    const [r, g, b] = color.map(part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  for (const element of all) {
    const hasText = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
    if (!hasText && !element.matches('input')) continue
    const below = surface(element)
    const style = getComputedStyle(element)
    let opacity = 1
    for (let it = element; it; it = it.parentElement) opacity *= getComputedStyle(it).opacity
    const ink = over(style.color, below).map((part, at) => part * opacity + below[at] * (1 - opacity))
    const [bright, dim] = [light(ink), light(below)].sort((a, b) => b - a)
    const contrast = (bright + 0.05) / (dim + 0.05)
    if (contrast < 4.5) note(`has a contrast of ${contrast.toFixed(2)} (${ink} on ${below})`, element)
  }
  return found
}

/** What axe-core has against the page. */
async function violations(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE)
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(node => node.html.slice(0, 160)).join(' ')}`)
}

/** What the keyboard is on; run in the page. */
function focused() {
  const element = document.activeElement
  if (!element || element === document.body) return null
  const { left, right, top, bottom } = element.getBoundingClientRect()
  const { outlineStyle, outlineWidth } = getComputedStyle(element)
  // The middle of the part that is in the window.
  const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2
  const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2
  const shown = document.elementFromPoint(x, y)
  return {
    what: element.outerHTML.slice(0, 160),
    at: [...document.querySelectorAll('*')].indexOf(element),
    hasRing: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    isCovered: !shown || !(element.contains(shown) || shown.contains(element)) || shown === document.body,
  }
}

/** Goes through the page with Tab: everything that can be used is reached, marked and not hidden under something. */
async function goesByKeyboard(page, where) {
  await page.evaluate(() => {
    scrollTo(0, 0)
    getSelection().removeAllRanges()
    document.activeElement.blur()
  })
  const usable = await page.evaluate(() => {
    const all = [...document.querySelectorAll('*')]
    const names = 'a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex="0"]'
    // Tabs have one stop together; arrows go on from there.
    const isStop = element => element.matches(names) && element.tabIndex >= 0 && element.checkVisibility()
    return all.flatMap((element, at) => (isStop(element) ? [at] : []))
  })
  const missed = new Set(usable)
  // Twice around at most: it begins where the page itself put the keyboard, and stops at what can be scrolled too, and
  // at each part of a time.
  for (let presses = 0; missed.size && presses <= 2 * usable.length + 20; presses += 1) {
    await page.keyboard.press('Tab')
    const on = await page.evaluate(focused)
    if (!on) continue
    if (!on.hasRing) found.push(`${where}: no ring around ${on.what}`)
    if (on.isCovered) found.push(`${where}: something lies on ${on.what}`)
    missed.delete(on.at)
  }
  if (missed.size) found.push(`${where}: the keyboard does not get everywhere`)
}

/** The page of keys with the way to connect each assistant. */
async function eachTab(page) {
  for (const tab of ['Claude Desktop', 'Cursor', 'Another client']) {
    const chosen = await steps.element(page, tab, 'tab')
    await chosen.click()
    assert.equal((await page.$$('.tab-panel:not(.off)')).length, 1)
    await look(page, `keys-${tab.replace(/\W+/g, '-').toLowerCase()}`, true)
  }
}

/** The dashboard, once the gateway has heard of the payment that failed. */
async function pastDue(page) {
  const deadline = Date.now() + 30_000
  do {
    assert(Date.now() < deadline, 'the dashboard never tells of the payment that failed')
    await steps.open(page, `${gateway}/login`)
  } while (!(await steps.said(page)).includes('Your last payment failed.'))
}

/** The pages of an account in which something has happened. */
async function account(page, home, call) {
  const piece = async args => (await call('create_content', args)).match(/cnt_\w+/)[0]
  const days = count => new Date(Date.now() + count * 86_400_000).toISOString().slice(0, 10)
  const decided = await piece({ kind: 'x_post', body: 'Tea bags hold dust.' })
  await call('update_content', { contentId: decided, body: 'Tea bags hold dust; we sell leaves.', note: 'As you asked' })
  await call('review_content', { contentId: decided, decision: 'approved', decidedBy: 'Anna' })
  await call('schedule_content', { contentId: decided, at: `${days(1)}T09:00` })
  const hostile = '<script>alert(1)</script> "\'& \u202Eשלום '.repeat(230).slice(0, 9_900)
  const long = await piece({ kind: 'newsletter', title: 'W'.repeat(120), subject: 'שלום', preheader: '🚀'.repeat(40), body: hostile })
  const planned = await piece({ kind: 'x_post', body: 'Another one, for the week after.' })
  await call('schedule_content', { contentId: planned, at: `${days(2)}T10:00` })
  await call('review_content', { contentId: planned, decision: 'revised', decidedBy: 'W'.repeat(100), reason: 'Say what it is. '.repeat(20) })
  await steps.open(page, home)
  await look(page, 'overview')
  for (const [name, path] of [
    ['content', 'content'],
    ['content-nothing-found', 'content?text=nothing+like+that'],
    ['content-week', 'content?view=week'],
    ['content-month', 'content?view=month'],
    ['piece', `content/${decided}`],
    ['piece-compared', `content/${decided}?compare=1`],
    ['piece-long', `content/${long}`],
    ['piece-to-change', `content/${planned}`],
    ['activity', 'activity'],
    ['activity-filtered', 'activity?kind=content'],
  ]) {
    await steps.open(page, `${home}/${path}`)
    await look(page, name)
  }
  await steps.open(page, `${home}/content/${planned}`)
  await page.$eval('#at', input => (input.value = '2020-01-01T09:00'))
  await steps.settle(page, 'Change the time', 'must be in the future')
  await look(page, 'piece-refused', true)

  await steps.open(page, `${home}/scans`)
  assert.equal(await steps.enter(page, 'Page to scan', 'ftp://acme.example'), 400)
  await look(page, 'scans-wrong-address', true)
  for (const _ of [1, 2]) await call('scan_page', { url: `${gateway}/`, watch: true })
  await steps.open(page, `${home}/scans`)
  await look(page, 'scans')
  await follow(page, await page.$eval('.cards a', link => link.innerText), 'link')
  await look(page, 'scan')
  await steps.open(page, `${home}/keys`)
  await steps.enter(page, 'What is it for?', 'W'.repeat(60))
  await look(page, 'keys-new', true)
  await steps.open(page, `${home}/keys`)
  await look(page, 'keys')
}

/** Lets the app in, once that can be done. */
async function letItIn(page) {
  // The first press gives a page the focus that it has from the beginning where somebody sits before it.
  await page.click('h1')
  await page.waitForSelector('button[value=allow]:not([aria-disabled])')
  return follow(page, 'Let it in')
}

/** A second click that was meant for a window over this page lets no app in. */
async function cannotBePressedByMistake(page) {
  await page.waitForSelector('button[value=allow]:not([aria-disabled])')
  const pressed = await page.evaluate(() => {
    const button = document.querySelector('button[value=allow]')
    let isSent = false
    const note = () => (isSent = true)
    button.form.addEventListener('submit', note)
    dispatchEvent(new Event('focus'))
    button.click()
    button.form.removeEventListener('submit', note)
    return { isSent, isDisabled: button.ariaDisabled }
  })
  assert.deepEqual(pressed, { isSent: false, isDisabled: 'true' })
}

/** An app that asks to be let in, and is. */
async function app(page, home) {
  const redirect_uri = `${sandbox}/nothing`
  const about = { client_name: 'שלום 🚀 Donaudampfschifffahrtsgesellschaft'.padEnd(60, 'W'), redirect_uris: [redirect_uri] }
  const headers = { 'content-type': 'application/json' }
  const { client_id } = await (await fetch(`${gateway}/oauth/register`, { method: 'POST', headers, body: JSON.stringify(about) })).json()
  // Of RFC 7636, appendix B.
  const code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const asked = { response_type: 'code', client_id, redirect_uri, code_challenge, code_challenge_method: 'S256', state: 's' }
  const ask = changed => steps.open(page, `${gateway}/oauth/authorize?${new URLSearchParams({ ...asked, ...changed })}`)
  assert.equal(await ask({}), 200)
  await look(page, 'consent')
  await cannotBePressedByMistake(page)
  for (const box of await page.$$('input[name=scope]:checked')) await box.click()
  assert.equal(await letItIn(page), 422)
  await look(page, 'consent-to-nothing', true)
  assert.equal(await ask({ response_type: 'token' }), 400)
  await look(page, 'consent-not-in-order')
  await ask({})
  await letItIn(page)
  assert(page.url().startsWith(`${redirect_uri}?code=hcmo_ac_`), page.url())
  await steps.open(page, `${home}/keys`)
  await steps.says(page, 'came from a program on this computer')
  await look(page, 'keys-with-app')
}

/** Nothing has moved by itself since the page was opened. */
async function staysInPlace(page, where) {
  const moved = await steps.moved(page)
  if (moved.length) found.push(`${where} moves: ${moved.join(', ')}`)
}

let number = 0

/** Looks at the page that is open; `isOnce` if it is not there again when it is loaded again. */
async function look(page, name, isOnce = false) {
  number += 1
  await staysInPlace(page, name)
  for (const screen of SCREENS) {
    await page.setViewport(screen)
    if (!isOnce) {
      await page.reload()
      await staysInPlace(page, `${name}, ${screen.width} px`)
    }
    // What is in between is seen in one scheme, unless somebody wants to look at it.
    const schemes = screen.width === TABLET && !shots ? ['light'] : SCHEMES
    for (const scheme of schemes) {
      const where = `${String(number).padStart(2, '0')}-${name}-${screen.width}-${scheme}`
      await page.emulateMediaFeatures([
        { name: 'prefers-color-scheme', value: scheme },
        { name: 'prefers-reduced-motion', value: 'reduce' },
      ])
      await page.evaluate(() => document.querySelectorAll('details').forEach(it => (it.open = true)))
      const wrong = [...(await page.evaluate(faults, screen.width)), ...(await violations(page))]
      found.push(...wrong.map(fault => `${where}: ${fault}`))
      if (shots) await page.screenshot({ path: `${shots}/${where}.png`, fullPage: true })
    }
    if (screen.width !== TABLET) await goesByKeyboard(page, `${name}, ${screen.width} px`)
  }
}

await browse(async page => {
  await steps.open(page, gateway)
  await look(page, 'start')
  await steps.enter(page, 'Your e-mail', 'anna')
  await look(page, 'start-wrong-email', true)

  await steps.order(page, 'anna@example.com')
  await look(page, 'sandbox-checkout')
  await follow(page, 'Let the payment fail')
  await look(page, 'sandbox-declined', true)
  await follow(page, 'Cancel and go back')
  await look(page, 'start-cancelled')

  await steps.order(page, 'anna@example.com')
  const checkout = page.url()
  const key = await steps.pay(page)
  await look(page, 'key', true)
  assert.equal(await steps.title(page), 'Your API key')
  await page.reload()
  await look(page, 'key-shown-already')
  await steps.open(page, checkout)
  await look(page, 'sandbox-paid')
  await steps.open(page, `${gateway}/checkout/success?session_id=cs_test_1`)
  await look(page, 'unknown-checkout')

  await steps.open(page, `${gateway}/login`)
  await look(page, 'login')
  await steps.enter(page, 'API key', 'hcmo_live_mistyped')
  await look(page, 'login-wrong-key', true)
  await steps.enter(page, 'API key', key)
  await look(page, 'overview-empty')
  const home = page.url()
  for (const part of ['content', 'content?view=week', 'scans', 'reports', 'connections', 'activity', 'keys']) {
    await steps.open(page, `${home}/${part}`)
    await look(page, `${part.replace(/\W+/g, '-')}-empty`)
  }
  await eachTab(page)
  const call = await steps.assistant(key)
  await call('update_brand', { name: '<b>&amp;</b> 🚀 שלום Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft' })
  await call('create_content', { kind: 'x_post', body: 'We fix slow pages. 🚀 כל דף איטי מאבד קונים.' })
  const words = 'https://example.com/'.padEnd(300, 'long') + '\n\n' + 'Every slow page costs a sale. '.repeat(60)
  await call('create_content', { kind: 'linkedin_post', title: 'Why slow pages cost sales', body: words })
  await call('log_lead', { email: 'ben@example.com', source: 'LinkedIn' })
  await account(page, home, call)
  await app(page, home)

  await steps.open(page, `${home}/connections`)
  await follow(page, 'Connect Google Analytics')
  await look(page, 'sandbox-connect')
  await follow(page, 'Allow')
  await look(page, 'connections-connected')
  for (const body of ['One.', 'Two.', 'Three.']) {
    const [contentId] = (await call('create_content', { kind: 'linkedin_post', body })).match(/cnt_\w+/)
    await call('review_content', { contentId, revision: 1, decision: 'revised', decidedBy: 'Anna', reason: 'Too salesy.' })
  }
  for (const workflow of ['performance_snapshot', 'analytics_report']) await call('start_workflow', { workflow, waitSeconds: 50 })
  await steps.open(page, `${home}/reports`)
  await look(page, 'reports')
  await follow(page, await page.$eval('.rows a', link => link.innerText), 'link')
  await look(page, 'report')
  await steps.open(page, `${home}/connections`)
  await follow(page, 'Connect LinkedIn')
  await follow(page, 'Deny')
  await steps.open(page, `${gateway}/api/composio/callback?state=v1.AAAA`)
  await look(page, 'callback-bad')
  await steps.open(page, `${sandbox}/composio`)
  await look(page, 'sandbox-platforms')
  // The oldest is the one that was connected.
  const oldest = (await page.$$('form[action$="/expire"] button')).at(-1)
  await Promise.all([page.waitForNavigation(), oldest.click()])
  await follow(page, 'Stripe sandbox', 'link')
  await steps.open(page, `${home}/connections`)
  await look(page, 'connections-lost')
  await steps.open(page, home)
  await look(page, 'overview-lost')

  await steps.open(page, `${home}/keys`)
  await follow(page, 'Manage billing')
  await look(page, 'sandbox-portal')
  await steps.open(page, sandbox)
  await look(page, 'sandbox-control')
  await follow(page, 'Let the next payment fail')
  const event = await page.$$eval('pre', all => all.map(it => JSON.parse(it.textContent)).find(it => it.type === 'invoice.payment_failed'))
  await steps.open(page, event.data.object.hosted_invoice_url)
  await look(page, 'sandbox-invoice')
  await pastDue(page)
  await look(page, 'overview-past-due')

  await steps.open(page, `${gateway}/docs`)
  await look(page, 'docs')
  await steps.open(page, `${gateway}/nothing`)
  await look(page, 'not-found')
  await steps.open(page, `${sandbox}/nothing`)
  await look(page, 'sandbox-not-found')
  assert.deepEqual(found, [])
})
