// What the scripts share: a browser that is listened to, and the hands of the person at it.

import assert from 'node:assert/strict'
import puppeteer from 'puppeteer-core'

export const { HEYCMO_GATEWAY: gateway, HEYCMO_MCP: mcp, HEYCMO_SANDBOX: sandbox } = process.env
export const hasScript = process.argv[2] !== 'without-script'
const byKeyboard = process.argv[2] === 'by-keyboard'
export const KEY = /hcmo_live_[0-9a-f]{64}/

/** A page of a browser of its own. `browsing` gets it, and afterwards the browser may have complained about nothing. */
export async function browse(browsing) {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    // Root, as in a container, has no sandbox.
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
    defaultViewport: { width: 1280, height: 800 },
  })
  try {
    const page = await browser.newPage()
    await page.setJavaScriptEnabled(hasScript)
    if (hasScript) await page.evaluateOnNewDocument(watchMoves)
    const heard = await listen(page)
    await browsing(page, heard)
    assert.deepEqual(heard.complaints(), [])
    await keepsNoSecret(page, heard)
  } finally {
    await browser.close()
  }
}

/** Notes what moves though nobody touched the page; run in the page. */
function watchMoves() {
  window.moves = []
  const name = node => (node ? `${node.nodeName}.${node.className}` : 'something')
  const note = entries => {
    for (const { hadRecentInput, value, sources } of entries) {
      if (!hadRecentInput) window.moves.push(`${sources.map(({ node }) => name(node)).join(' ')} by ${value.toFixed(4)}`)
    }
  }
  new PerformanceObserver(list => note(list.getEntries())).observe({ type: 'layout-shift', buffered: true })
}

/** What has moved since the page was opened, once it has come to rest. */
export const moved = page =>
  page.evaluate(() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.moves.splice(0)), 100))))

/** Notes what the browser complains about, and which addresses and referrers it sends. */
async function listen(page) {
  const devtools = await page.createCDPSession()
  const [entries, referrers, addresses, documents] = [[], [], new Set(), new Set()]
  devtools.on('Log.entryAdded', ({ entry }) => entries.push(entry))
  devtools.on('Runtime.consoleAPICalled', ({ type, args }) => entries.push({ type, args }))
  devtools.on('Runtime.exceptionThrown', ({ exceptionDetails }) => entries.push(exceptionDetails))
  devtools.on('Audits.issueAdded', ({ issue }) => entries.push(issue))
  devtools.on('Network.requestWillBeSent', ({ type, request }) => {
    addresses.add(request.url)
    // Forms are answered with pages too when htmx sends them.
    if (type === 'Document' || type === 'XHR') documents.add(request.url)
  })
  devtools.on('Network.requestWillBeSentExtraInfo', ({ headers }) => {
    const { referer, host } = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    if (referer) referrers.push({ referrer: referer, host })
  })
  for (const domain of ['Log', 'Runtime', 'Audits', 'Network']) await devtools.send(`${domain}.enable`)
  const isExpected = ({ source, url, text, args }) =>
    (source === 'network' && (documents.has(url) || text.includes('ERR_INTERNET_DISCONNECTED'))) ||
    /^htmx:(sendError|afterRequest),/.test(args?.[0]?.value)
  return {
    addresses,
    referrers,
    // No complaints about a page: that its answer was an error, and what might be nice to have; nor that there was no
    // connection, which a script has made so.
    complaints: () => entries.filter(entry => entry.level !== 'verbose' && !isExpected(entry)),
  }
}

/** Neither a key nor the id of a checkout, which fetches one, is left where others could find it. */
async function keepsNoSecret(page, heard) {
  const devtools = await page.createCDPSession()
  const { entries } = await devtools.send('Page.getNavigationHistory')
  const { cookies } = await devtools.send('Storage.getCookies')
  const kept = [...entries.map(({ url }) => url), ...heard.addresses, ...cookies.map(({ value }) => value)]
  for (const text of kept) assert.doesNotMatch(text, KEY)
  assert(heard.referrers.length > 0)
  for (const { referrer, host } of heard.referrers) {
    assert.equal(new URL(referrer).host, host, 'other sites are told nothing')
    assert.doesNotMatch(referrer, /hcmo_live_|session_id/)
  }
}

/** What has this name and role. */
export const element = async (page, name, role) => {
  const found = await page.$(`::-p-aria([name="${name}"][role="${role}"])`)
  assert(found, `there is no ${role} "${name}" at ${page.url()}:\n${await said(page)}`)
  return found
}

/** Opens an address; the status that it answers with. */
export const open = async (page, address) => (await page.goto(address)).status()

/** As many stops of the Tab key as no page has. */
const TOO_FAR = 400

/** Presses something: by mouse, or where there is none by going there with Tab. */
export async function press(page, pressed) {
  if (!byKeyboard) return pressed.click()
  const isThere = () => pressed.evaluate(it => it === document.activeElement)
  for (let stops = 0; !(await isThere()); stops += 1) {
    assert(stops < TOO_FAR, `the keyboard does not get to ${await pressed.evaluate(it => it.outerHTML)}`)
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
}

/** Presses what leads to another page. */
export async function follow(page, name, role = 'button') {
  const pressed = await element(page, name, role)
  const [answer] = await Promise.all([page.waitForNavigation(), press(page, pressed)])
  return answer?.status()
}

/** Unfolds what is folded under this word. */
export async function unfold(page, word) {
  const summary = await page.$(`summary::-p-text(${word})`)
  assert(summary, `nothing is folded under "${word}" at ${page.url()}:\n${await said(page)}`)
  await press(page, summary)
}

/** Presses what is answered on the same page: in place where there is script. */
export async function settle(page, name, ...answers) {
  const pressed = await element(page, name, 'button')
  if (!hasScript) {
    await Promise.all([page.waitForNavigation(), pressed.click()])
  } else {
    await page.evaluate(() => (window.stays = true))
    await press(page, pressed)
    for (const answer of answers) await page.waitForFunction(text => document.body.innerText.includes(text), {}, answer)
    assert(await page.evaluate(() => window.stays), 'the page was loaded anew')
  }
  await says(page, ...answers)
}

/** Waits until the page says so by itself. */
export const hears = (page, text) => page.waitForFunction(text => document.body.innerText.includes(text), {}, text)

/** Types into a field, and Enter. */
export async function enter(page, field, text) {
  const input = await element(page, field, 'textbox')
  await input.type(text)
  const [answer] = await Promise.all([page.waitForNavigation(), input.press('Enter')])
  return answer?.status()
}

/** The text that a person sees. */
export const said = page => page.evaluate(() => document.body.innerText)
export const title = page => page.$eval('h1', heading => heading.innerText)

export async function says(page, ...texts) {
  const text = await said(page)
  for (const wanted of texts) assert(text.includes(wanted), `"${wanted}" is not at ${page.url()}:\n${text}`)
}

/** From the start page to the sandbox's checkout. */
export async function order(page, email) {
  assert.equal(await open(page, gateway), 200)
  await enter(page, 'Your e-mail', email)
  assert(page.url().startsWith(`${sandbox}/pay/cs_test_`), page.url())
}

/** Pays for what was ordered; the key that is shown then. */
export async function pay(page) {
  assert.equal(await follow(page, 'Pay'), 200)
  assert.equal(await title(page), 'Your API key')
  return page.$eval('#key', shown => shown.textContent)
}

/** A session of an assistant; calls a tool. */
export async function assistant(key) {
  let id = 0
  const send = async (method, params, session) => {
    const answer = await fetch(`${mcp}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session && { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
    })
    const text = await answer.text()
    assert(answer.ok && text.includes('"result"'), text)
    return { text, session: answer.headers.get('mcp-session-id') }
  }
  const clientInfo = { name: 'browser', version: '1' }
  const { session } = await send('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })
  return async (name, args = {}) => {
    const { text } = await send('tools/call', { name, arguments: args }, session)
    assert(!text.includes('"isError":true'), text)
    return text
  }
}
