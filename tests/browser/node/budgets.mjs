// What the first page costs: nothing from elsewhere, and less than 100 KB in all.

import assert from 'node:assert/strict'
import * as steps from './steps.mjs'
import { browse, gateway } from './steps.mjs'

const MAX_BYTES = 100_000

/** The bytes that come over the wire when a page is opened by somebody who was never here. */
async function bytes(page, address) {
  const devtools = await page.createCDPSession()
  await devtools.send('Network.enable')
  await devtools.send('Network.clearBrowserCache')
  const sizes = new Map()
  const requests = new Map()
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) => requests.set(requestId, request.url))
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => sizes.set(requests.get(requestId), encodedDataLength))
  await page.goto(address, { waitUntil: 'load' })
  await devtools.detach()
  for (const url of requests.values()) assert(url.startsWith(`${gateway}/`), `${url} is not ours`)
  return { all: [...sizes.values()].reduce((sum, size) => sum + size, 0), sizes: Object.fromEntries(sizes) }
}

await browse(async page => {
  const start = await bytes(page, gateway)
  assert(Object.keys(start.sizes).length >= 3, JSON.stringify(start))
  assert(start.all < MAX_BYTES, JSON.stringify(start))

  await steps.order(page, 'anna@example.com')
  const key = await steps.pay(page)
  const call = await steps.assistant(key)
  // A week's work.
  for (let number = 1; number <= 12; number += 1) {
    const body = `Number ${number}. ` + 'Every slow page costs a sale, and most owners never hear of it. '.repeat(12)
    await call('create_content', { kind: 'linkedin_post', title: `Why slow pages cost sales, part ${number}`, body })
  }
  await call('start_workflow', { workflow: 'performance_snapshot', waitSeconds: 50 })
  await steps.open(page, `${gateway}/login`)
  await steps.enter(page, 'API key', key)
  const overview = await bytes(page, page.url())
  assert(Object.keys(overview.sizes).length >= 4, JSON.stringify(overview))
  assert(overview.all < MAX_BYTES, JSON.stringify(overview))
  console.log(JSON.stringify({ start, overview }, null, 2))
})
