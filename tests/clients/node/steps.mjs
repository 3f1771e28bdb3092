// What an assistant does with HeyCMO, through any of the TypeScript clients.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const TOOLS = [
  'cancel_workflow_run', 'connect_platform', 'create_content', 'get_account', 'get_brand', 'get_content', 'get_learning_insights', 'get_performance_trend',
  'get_workflow_run', 'list_connections', 'list_content', 'list_events', 'list_proposals', 'list_scans', 'list_workflow_runs', 'log_lead',
  'plan_calendar', 'publish_content', 'query_ga4', 'query_post_analytics', 'query_search_console', 'review_content', 'review_proposal', 'scan_page',
  'schedule_content', 'start_workflow', 'update_brand', 'update_content',
]
const BRAND = 'heycmo://brand'
const PATIENCE = 30_000

/** More than an SDK's default of two tries: a server takes longer than that to start on a busy machine. */
export const reconnectionOptions = { initialReconnectionDelay: 500, maxReconnectionDelay: 1_000, reconnectionDelayGrowFactor: 1.5, maxRetries: 60 }

/** How to connect: the part of what `heycmo` printed that is for this client. */
const printed = process.env.HEYCMO_PRINTED
export const told = JSON.parse(printed)
/** The same with a key that nobody has. */
export const toldWrongly = JSON.parse(printed.replace(/hcmo_live_\w+/g, `hcmo_live_${'0'.repeat(64)}`))

const answers = createInterface({ input: process.stdin })

/** Has something done to the servers; resolves when it is done. */
async function has(done, asked) {
  console.log(asked)
  const [answer] = await once(answers, 'line')
  assert.equal(answer, done)
}

/** Has the server killed and started again; resolves when it serves. */
const restartServer = () => has('restarted', 'restart')

/** Whether the error says that the key was refused; the SDKs put it in different places. */
export const saysUnauthorized = error => error.code === 401 || error.status === 401 || /401/.test(error.message)

/** Asks again until it works. */
async function eventually(what, ask) {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`in vain for ${PATIENCE} ms: ${what}`, { cause: error })
      await pause(50)
    }
  }
}

async function within(patience, what, promise) {
  const late = new AbortController()
  const alarm = pause(patience, undefined, { signal: late.signal }).then(() => {
    throw new Error(`waited ${patience} ms: ${what}`)
  })
  try {
    return await Promise.race([promise, alarm])
  } finally {
    late.abort()
    alarm.catch(() => {})
  }
}

/** Values that arrive, to be waited for one by one. */
export function inbox() {
  const arrived = []
  const bell = new EventEmitter()
  return {
    put(value) {
      arrived.push(value)
      bell.emit('put')
    },
    async next(what, patience = PATIENCE) {
      if (!arrived.length) await within(patience, what, once(bell, 'put'))
      return arrived.shift()
    },
  }
}

/**
 * The job of an assistant whose servers die: writes, has approved and publishes, and each time one of the servers that
 * share the work is killed while a call is under way. What was answered stays true, and the person is never told
 * something that helps them nothing.
 */
async function enduringJob(connect) {
  const posts = process.env.HEYCMO_POSTS
  let assistant = await eventually('a connection', () => connect())
  const acknowledged = []
  for (let round = 0; round < Number(process.env.HEYCMO_ROUNDS); round++) {
    const body = `Round ${round}: ${randomUUID()}`
    const { content } = await insist('a piece', () => answered('create_content', { kind: 'x_post', body }))
    acknowledged.push({ contentId: content.id, body })
    const dying = has('killed', 'kill')
    await insist('the post is out', () => publish(content.id, body))
    await dying
  }
  for (const { contentId, body } of acknowledged) {
    const read = await insist('what was answered is there', () => answered('get_content', { contentId }))
    assert.deepEqual([read.content.status, read.draft.body], ['published', body])
  }
  process.exit()

  async function answered(tool, args) {
    const result = await assistant.call(tool, args, { timeout: 5_000 })
    assert.ok(!result.isError, `${tool}: ${result.content[0].text}`)
    return result.structuredContent
  }

  /** One step nearer to being out, as often as it takes: what was lost is found by looking. */
  async function publish(contentId, body) {
    const { content } = await answered('get_content', { contentId })
    if (content.status === 'published') return
    if (content.status === 'approved') {
      const told = await answered('publish_content', { contentId })
      if (told.status === 'unknown') {
        const { posts: out } = await (await fetch(posts)).json()
        const personSaw = out.some(post => post.text === body) ? 'published' : 'not_published'
        await answered('publish_content', { contentId, personSaw })
      }
    } else {
      await answered('review_content', { contentId, decision: 'approved', decidedBy: 'Anna' })
    }
    throw new Error('not out yet')
  }

  /** Asks again until it works, on a new connection where the client says that its own is lost. */
  async function insist(what, ask) {
    return eventually(what, async () => {
      try {
        return await ask()
      } catch (error) {
        assert.ok(error.message, `an error without words: ${error}`)
        assert.ok(!/wrong on our side/.test(error.message), error.message)
        if (saysSessionIsLost(error)) assistant = await connect()
        throw error
      }
    })
  }
}

const saysSessionIsLost = error => /Session not found|Not connected|Connection closed/i.test(error.message)

/**
 * The whole job.
 *
 * `connect` gives an assistant: `client`, the SDK's; `call(tool, arguments, options)`; `watch(uri)`, which gives an
 * inbox of the addresses that changed; `version`, as negotiated.
 */
async function mainJob(connect, { version, hasPing = true, watchesAfterRestart = true }) {
  const assistant = await connect()
  assert.equal(assistant.version, version, 'the negotiated protocol version')
  const { client } = assistant
  assert.equal(client.getServerVersion().name, 'heycmo')
  assert.match(client.getInstructions(), /get_account/)
  if (hasPing) await client.ping()

  const { tools } = await client.listTools()
  assert.deepEqual(tools.map(tool => tool.name).sort(), TOOLS)
  for (const tool of tools) assert.ok(tool.outputSchema && tool.title && tool.annotations, `${tool.name} describes itself`)

  const used = new Set()
  // The SDK checks each structured answer against the tool's output schema.
  const call = async (tool, args) => {
    used.add(tool)
    const result = await assistant.call(tool, args)
    assert.ok(!result.isError, `${tool}: ${result.content[0].text}`)
    assert.ok(result.content[0].text, `${tool} answers in words too`)
    return result.structuredContent
  }

  await interview(call)
  const id = await contentFlow(assistant, call)
  await call('log_lead', { source: 'linkedin', email: 'lea@example.com', contentId: id })
  assert.ok((await call('get_account')).needsAttention)
  await durableWork(call)
  await platforms(call)
  await nextWeek(call)
  await numbers(call, client)
  await proposals(call)
  assert.deepEqual([...used].sort(), TOOLS, 'every tool was called')
  await refusals(assistant)
  await prompts(client, id)
  await resources(client, id)
  await longText(call)
  await manyAtOnce(assistant)
  await cancelled(assistant)
  await watched(assistant, connect, { atOnce: true })

  await restartServer()
  await eventually('a call after the restart', () => assistant.call('get_brand', {}, { timeout: 3_000 }))
  await manyAtOnce(assistant)
  assert.equal((await call('get_content', { contentId: id })).content.status, 'approved')
  if (hasPing) await client.ping()
  // Subscriptions end with the process. One made anew is served as soon as the SDK has its stream open again.
  if (watchesAfterRestart) await watched(assistant, connect, { atOnce: false })
  await client.close()
  // The first SDK keeps the timers of cancelled calls for a minute.
  process.exit()
}

async function interview(call) {
  const open = updated => updated.nextQuestions.map(question => question.field)
  let updated = await call('update_brand', { name: 'Acme', timeZone: 'Europe/Berlin', website: 'https://acme.example/' })
  assert.deepEqual(updated.changed, ['name', 'timeZone', 'website'])
  assert.ok(updated.completeness < 100 && open(updated).includes('offering'), 'says what is still missing')

  const sentence = 'Acme sells bookkeeping to freelancers who would rather do anything else on a Sunday evening.'
  updated = await call('update_brand', { offering: sentence, audience: sentence })
  assert.ok(!open(updated).includes('offering') && open(updated).includes('pillars'))

  updated = await call('update_brand', {
    voice: { adjectives: ['plain', 'warm', 'exact'], do: ['short sentences', 'examples'], dont: ['jargon', 'hype'] },
    pillars: ['taxes', 'habits', 'tools'].map((name, i) => ({ name, weight: i + 1 })),
    competitors: [{ name: 'Shoebox' }, { name: 'Spreadsheet', url: 'https://sheet.example/' }],
    goals: ['ten trials a week', 'be known for plain words'],
    forbiddenClaims: ['guaranteed refund'],
    cadence: [{ channel: 'linkedin', perWeek: 3 }],
  })
  assert.deepEqual([updated.completeness, open(updated)], [100, []])
  const brand = await call('get_brand')
  assert.deepEqual([brand.name, brand.timeZone, brand.offering], ['Acme', 'Europe/Berlin', sentence])
}

async function contentFlow(assistant, call) {
  const tooLong = 'Receipts first, coffee second. '.repeat(110)
  let saved = await call('create_content', { kind: 'linkedin_post', body: tooLong, pillar: 'habits' })
  const contentId = saved.content.id
  const blocking = saved.findings.filter(finding => finding.severity === 'blocking')
  assert.ok(blocking.some(finding => finding.message.includes('3,000') || finding.message.includes('3000')), JSON.stringify(blocking))
  const decision = { contentId, decision: 'approved', decidedBy: 'Anna' }
  const refused = await assistant.call('review_content', decision)
  assert.ok(refused.isError, 'a blocking finding forbids the approval')

  saved = await call('update_content', { contentId, revision: 1, body: 'Receipts first, coffee second. What is your Monday rule?' })
  assert.ok(saved.findings.every(finding => finding.severity !== 'blocking'), JSON.stringify(saved.findings))
  const reviewed = await call('review_content', { ...decision, revision: 2 })
  assert.equal(reviewed.content.status, 'approved')

  const day = new Date(Date.now() + 3 * 24 * 60 * 60 * 1000).toISOString().slice(0, 10)
  const scheduled = await call('schedule_content', { contentId, at: `${day}T09:00` })
  assert.ok(scheduled.content.scheduledAt.startsWith(day), 'in the time zone of the brand')

  for (const kind of ['x_post', 'email']) await call('create_content', { kind, body: `A short ${kind}.`, subject: kind === 'email' ? 'Short' : undefined })
  const listed = []
  for (let cursor; cursor !== null; ) {
    const page = await call('list_content', { limit: 1, cursor })
    listed.push(...page.content.map(piece => piece.kind))
    cursor = page.nextCursor ?? null
  }
  assert.deepEqual(listed, ['email', 'x_post', 'linkedin_post'], 'page by page, newest first')

  const piece = await call('get_content', { contentId })
  assert.deepEqual(piece.revisions.map(revision => revision.number), [2, 1])
  assert.deepEqual(piece.decisions.map(made => [made.decidedBy, made.decision]), [['Anna', 'approved']])
  const { events } = await call('list_events', { type: 'content.*' })
  const types = events.map(event => event.type)
  for (const type of ['content.created', 'content.updated', 'content.approved', 'content.scheduled']) assert.ok(types.includes(type), `${type} is in the log`)
  return contentId
}

async function durableWork(call) {
  const { run } = await call('start_workflow', { workflow: 'onboarding', waitSeconds: 20 })
  assert.equal((await call('get_workflow_run', { runId: run.id })).run.workflow, 'onboarding')
  assert.ok((await call('list_workflow_runs', {})).runs.some(listed => listed.id === run.id), 'the run is listed')
  const ended = await call('cancel_workflow_run', { runId: run.id })
  assert.ok(['cancelled', 'completed'].includes(ended.run.status), ended.run.status)
}

async function platforms(call) {
  let link
  for (const platform of ['x', 'google_analytics', 'search_console']) {
    const { url } = await call('connect_platform', { platform })
    link = url
    const page = await fetch(`${url}/allow`, { method: 'POST' })
    assert.match(await page.text(), /is connected\./)
  }
  const scan = await call('scan_page', { url: new URL('/composio', link).href, fixes: true })
  assert.ok(scan.seo.score > 0 && scan.geo.findings.length > 0 && scan.fixes.length > 0, JSON.stringify(scan))
  assert.deepEqual((await call('list_scans', { url: scan.url })).scans.map(one => one.id), [scan.id])
  const { connections } = await call('list_connections')
  const connected = connections.filter(connection => connection.status === 'connected').map(connection => connection.platform)
  assert.deepEqual(connected, ['google_analytics', 'search_console', 'x'])
  const sessions = await call('query_ga4', { dimension: 'sessionDefaultChannelGroup' })
  assert.ok(sessions.totals[0].value > 0 && sessions.totals[0].previous > 0, JSON.stringify(sessions.totals))
  assert.ok((await call('query_search_console', { dimension: 'query' })).rows.length > 0)

  const { content } = await call('create_content', { kind: 'x_post', body: 'Receipts first, coffee second. What is your Monday rule?' })
  await call('review_content', { contentId: content.id, decision: 'approved', decidedBy: 'Anna' })
  const published = await call('publish_content', { contentId: content.id })
  assert.deepEqual([published.status, published.alreadyPublished], ['published', false])
  const again = await call('publish_content', { contentId: content.id })
  assert.deepEqual([again.alreadyPublished, again.url], [true, published.url])
  const today = new Date().toISOString().slice(0, 10)
  await call('query_post_analytics', { platform: 'x', from: today, to: today })
}

/** "Plan next week, write Tuesday's post, approve it, schedule it": then it goes out by itself, at its time. */
async function nextWeek(call) {
  await call('update_brand', { cadence: [{ channel: 'x', perWeek: 3 }, { channel: 'linkedin', perWeek: 2 }] })
  const proposed = await call('plan_calendar', {})
  const plan = await call('plan_calendar', { commit: true })
  assert.deepEqual(plan.slots.map(slot => slot.at), proposed.slots.map(slot => slot.at), 'what was proposed is what is saved')
  const tuesday = plan.slots.find(slot => slot.kind === 'x_post' && new Date(slot.at).getUTCDay() === 2)
  assert.ok(tuesday.contentId && tuesday.pillar && tuesday.why, JSON.stringify(plan.slots))

  const contentId = tuesday.contentId
  const written = await call('update_content', { contentId, body: 'Tuesday is for receipts. Ten minutes, then coffee.' })
  assert.equal(written.content.status, 'in_review')
  await call('review_content', { contentId, decision: 'approved', decidedBy: 'Anna' })
  // Next Tuesday is too far away for a test; the time is what the assistant says it is.
  const at = new Date(Date.now() + 4_000).toISOString()
  const { content } = await call('schedule_content', { contentId, at })
  await eventually('the post is out', async () => assert.equal((await call('get_content', { contentId })).content.status, 'published'))
  const { events } = await call('list_events', { type: 'content.published' })
  const out = events.find(event => event.data.contentId === contentId)
  assert.ok(new Date(out.timestamp) >= new Date(content.scheduledAt), JSON.stringify(out))
  // The run ends a moment after the post is out.
  await eventually('the run has ended', async () => {
    const { runs } = await call('list_workflow_runs', { workflow: 'publish_due', status: 'completed' })
    assert.ok(runs.some(run => run.input.contentId === contentId && run.output.published), JSON.stringify(runs))
  })
}

/** The numbers of the week, kept, read and reported. */
async function numbers(call, client) {
  const { run } = await call('start_workflow', { workflow: 'performance_snapshot', waitSeconds: 50 })
  assert.equal(run.status, 'completed', JSON.stringify(run))
  const { trends } = await call('get_performance_trend', { channel: 'google_analytics' })
  assert.ok(trends.some(trend => trend.metric === 'sessions' && trend.points[0].value > 0), JSON.stringify(trends))
  const learned = await call('get_learning_insights', {})
  assert.deepEqual(learned.insights, [], 'one week teaches nothing')
  const report = (await call('start_workflow', { workflow: 'analytics_report', waitSeconds: 50 })).run
  assert.equal(report.status, 'completed', JSON.stringify(report))
  assert.ok(report.output.recommendations.length > 0, JSON.stringify(report.output))
  const { contents } = await client.readResource({ uri: report.output.uri })
  assert.match(contents[0].text, /## What changed/)
}

/** What was sent back three times for one reason becomes a rule of the brand's voice, if the person agrees. */
async function proposals(call) {
  for (const body of ['One.', 'Two.', 'Three.']) {
    const { content } = await call('create_content', { kind: 'linkedin_post', body })
    await call('review_content', { contentId: content.id, revision: 1, decision: 'revised', decidedBy: 'Anna', reason: 'Too salesy for us.' })
  }
  await call('start_workflow', { workflow: 'performance_snapshot', waitSeconds: 50 })
  const { proposals } = await call('list_proposals', { category: 'voice_refinement' })
  const { id: proposalId, proposed, evidence } = proposals.find(proposal => proposal.proposed.includes('hype')) ?? assert.fail(JSON.stringify(proposals))
  assert.equal(evidence.flatMap(fact => fact.ids).length, 3, JSON.stringify(evidence))
  const avoided = async () => JSON.stringify((await call('get_brand', {})).voice.dont)
  const before = await avoided()
  await call('review_proposal', { proposalId, decision: 'approve', decidedBy: 'Anna' })
  assert.ok((await avoided()).includes(proposed), `${proposed} is to be avoided now`)
  await call('review_proposal', { proposalId, decision: 'roll_back', decidedBy: 'Anna', reason: 'It was one person.' })
  assert.equal(await avoided(), before)
}

async function refusals({ call }) {
  const bad = await call('create_content', { kind: 'poem', body: 'x' })
  assert.ok(bad.isError && bad.content[0].text.includes('`kind`'), 'a bad argument is named')
  const unknown = await call('get_content', { contentId: 'cnt_00000000000000000000000000' })
  assert.ok(unknown.isError, 'a piece that is not there')
  await assert.rejects(call('publish_everything', {}), error => error.code === -32602 && error.message.includes('publish_everything'))
}

async function prompts(client, contentId) {
  const { prompts } = await client.listPrompts()
  assert.deepEqual(prompts.map(prompt => prompt.name).sort(), [
    'brand_interview', 'competitor_teardown', 'fix_page', 'launch_plan', 'performance_review', 'plan_week', 'review_draft', 'write_content',
  ])
  const { messages } = await client.getPrompt({ name: 'write_content', arguments: { kind: 'linkedin_post', topic: 'Sunday bookkeeping' } })
  assert.match(messages[0].content.text, /Sunday bookkeeping/)
  await client.getPrompt({ name: 'brand_interview' })
  const date = new Date(Date.now() + 30 * 24 * 60 * 60 * 1000).toISOString().slice(0, 10)
  for (const [name, args, said] of [
    ['plan_week', {}, /plan_calendar/],
    ['fix_page', { url: 'https://acme.example/' }, /scan_page/],
    ['competitor_teardown', { url: 'https://sheet.example/' }, /sheet\.example/],
    ['performance_review', { period: 'last_7_days' }, /query_ga4/],
    ['launch_plan', { product: 'A tax calendar', date }, /A tax calendar/],
    ['review_draft', { contentId }, /update_content/],
  ]) assert.match((await client.getPrompt({ name, arguments: args })).messages[0].content.text, said, name)
  await assert.rejects(client.getPrompt({ name: 'write_content', arguments: { kind: 'linkedin_post' } }), /topic/)
  const kind = { ref: { type: 'ref/prompt', name: 'write_content' }, argument: { name: 'kind', value: 'linked' } }
  assert.deepEqual((await client.complete(kind)).completion.values, ['linkedin_post'])
  const id = { ref: { type: 'ref/resource', uri: 'heycmo://content/{id}' }, argument: { name: 'id', value: '' } }
  assert.ok((await client.complete(id)).completion.values.includes(contentId))
}

async function resources(client, contentId) {
  const { resources } = await client.listResources()
  const uris = resources.map(resource => resource.uri)
  for (const uri of [BRAND, 'heycmo://playbook/linkedin', `heycmo://content/${contentId}`]) assert.ok(uris.includes(uri), `${uri} is listed`)
  const { resourceTemplates } = await client.listResourceTemplates()
  assert.deepEqual(resourceTemplates.map(template => template.uriTemplate).sort(), [
    'heycmo://calendar/{isoWeek}', 'heycmo://content/{id}', 'heycmo://playbook/{channel}', 'heycmo://reports/{runId}', 'heycmo://scans/{id}',
  ])
  for (const uri of uris) assert.ok((await client.readResource({ uri })).contents[0].text.length > 20, `${uri} can be read`)
  await assert.rejects(client.readResource({ uri: 'heycmo://nothing' }), /heycmo:\/\/nothing/)
}

async function longText(call) {
  const line = 'Grüße 👩‍👩‍👧‍👦 שלום עולם مرحبا — ‘quoted’ \\ "\t" 日本語\n'
  const body = `${line.repeat(Math.ceil(30_000 / line.length)).slice(0, 29_990)}…the end`
  const saved = await call('create_content', { kind: 'blog_post', title: 'Long', body })
  const read = await call('get_content', { contentId: saved.content.id })
  assert.equal(read.draft.body, body, 'a long text comes back as it was')
}

async function manyAtOnce({ call }) {
  const results = await Promise.all(Array.from({ length: 12 }, (_, i) => call('list_content', { limit: i + 1 })))
  results.forEach((result, i) => assert.ok(!result.isError && result.structuredContent.content.length <= i + 1, 'each gets its own answer'))
}

async function cancelled({ call }) {
  const user = new AbortController()
  const calls = Array.from({ length: 4 }, () => call('list_events', {}, { signal: user.signal }))
  const outcomes = Promise.allSettled(calls)
  user.abort(new Error('the user pressed stop'))
  for (const outcome of await within(PATIENCE, 'cancelled calls to end', outcomes)) assert.equal(outcome.status, 'rejected', 'a cancelled call ends')
  assert.ok(!(await call('get_account')).isError, 'alive after a cancelled call')
}

/** A change that another connection makes is told. */
async function watched(assistant, connect, { atOnce }) {
  const changes = await assistant.watch(BRAND)
  const other = await connect()
  const change = async () => {
    const offering = `Bookkeeping for freelancers, in plain words and on any Sunday. ${randomUUID()}`
    await other.call('update_brand', { offering })
    assert.equal(await changes.next('the update of the brand', atOnce ? PATIENCE : 1_000), BRAND)
  }
  await (atOnce ? change() : eventually('an update of the brand', change))
  await other.client.close()
  await changes.stop()
}

/** What this script is to do. */
export const isEnduring = process.env.HEYCMO_JOB === 'enduring'
export const job = isEnduring ? enduringJob : mainJob
