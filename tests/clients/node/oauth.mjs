// The authorization of the TypeScript SDKs, with nothing but the address of the server: oauth.mjs v1|v2 http|sse [document]
//
// With `document` the app says who it is by a document at an https address of its own.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { decide } from './person.mjs'

const { HEYCMO_MCP, HEYCMO_GATEWAY, HEYCMO_DOCUMENT_PORT, SSL_CERT_FILE, HEYCMO_CERTIFICATE_KEY } = process.env
const [version, kind, way] = process.argv.slice(2)
const sdk =
  version === 'v1'
    ? {
        ...(await import('@modelcontextprotocol/sdk/client/index.js')),
        ...(await import('@modelcontextprotocol/sdk/client/auth.js')),
        ...(await import('@modelcontextprotocol/sdk/client/sse.js')),
        ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
      }
    : await import('@modelcontextprotocol/client')

/** Where the answer arrives: a program on this computer, at a port of the moment. */
const answers = []
let arrived = () => {}
const app = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname === '/callback') {
    answers.push(url.searchParams)
    arrived()
  }
  response.end('You can go back to the app.')
})
await new Promise(done => app.listen(0, '127.0.0.1', done))
const redirectUrl = `http://127.0.0.1:${app.address().port}/callback`
async function nextAnswer() {
  while (!answers.length) await new Promise(done => (arrived = done))
  return answers.shift()
}

const clientMetadata = {
  client_name: 'TypeScript app',
  redirect_uris: [redirectUrl],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}
const clientMetadataUrl = `https://localhost:${HEYCMO_DOCUMENT_PORT}/client.json`
let documentsRead = 0
if (way === 'document') {
  const certificate = { cert: readFileSync(SSL_CERT_FILE), key: readFileSync(HEYCMO_CERTIFICATE_KEY) }
  const site = createSecureServer(certificate, (_, response) => {
    documentsRead += 1
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ ...clientMetadata, client_id: clientMetadataUrl }))
  })
  await new Promise(done => site.listen(Number(HEYCMO_DOCUMENT_PORT), '127.0.0.1', done))
}

/** What the app keeps, and what the person gives it the next time they are asked. */
const kept = {}
let gives = ['read', 'write']
let timesAsked = 0
const provider = {
  redirectUrl,
  clientMetadata,
  ...(way === 'document' && { clientMetadataUrl }),
  state: () => (kept.state = `state ${timesAsked}`),
  clientInformation: () => kept.client,
  saveClientInformation: client => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: tokens => (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: verifier => (kept.verifier = verifier),
  invalidateCredentials: scope => {
    if (scope === 'all' || scope === 'tokens') delete kept.tokens
    if (scope === 'all' || scope === 'client') delete kept.client
  },
  redirectToAuthorization: async address => {
    timesAsked += 1
    assert.equal(address.searchParams.get('resource'), `${HEYCMO_MCP}/mcp`)
    assert.match(await decide(String(address), gives), gives.length ? /You can go back to the app/ : /go back/)
  },
}

const transport = () =>
  kind === 'sse'
    ? new sdk.SSEClientTransport(new URL(`${HEYCMO_MCP}/mcp/sse`), { authProvider: provider })
    : new sdk.StreamableHTTPClientTransport(new URL(`${HEYCMO_MCP}/mcp`), { authProvider: provider })

const isUnauthorized = error => error instanceof sdk.UnauthorizedError || /Unauthorized/.test(error?.constructor?.name + error)

/** Takes what the browser brought. */
async function finish(via) {
  const answer = await nextAnswer()
  assert.equal(answer.get('state'), kept.state)
  assert.equal(answer.get('iss'), HEYCMO_GATEWAY)
  // The second SDK checks who answered, so it takes the whole answer.
  await via.finishAuth(version === 'v1' ? answer.get('code') : answer)
}

async function connect() {
  const client = new sdk.Client({ name: 'typescript-app', version: '1' })
  const first = transport()
  try {
    await client.connect(first)
    return { client, via: first }
  } catch (error) {
    assert(isUnauthorized(error), error)
    await finish(first)
  }
  const again = new sdk.Client({ name: 'typescript-app', version: '1' })
  const via = transport()
  await again.connect(via)
  return { client: again, via }
}

const said = result => result.content[0].text
const names = async client => (await client.listTools()).tools.map(({ name }) => name)

// The first time the person is asked, and does not tick what lets something go out.
let { client, via } = await connect()
assert.equal(timesAsked, 1)
if (way === 'document') {
  assert.equal(kept.client?.client_id ?? clientMetadataUrl, clientMetadataUrl)
  assert(documentsRead > 0)
}
assert.equal(kept.tokens.scope, 'read write')
let tools = await names(client)
assert(tools.includes('create_content') && !tools.includes('publish_content'), String(tools))
assert.match(said(await client.callTool({ name: 'get_account', arguments: {} })), /HeyCMO|plan|account/i)

// A token that has run out is renewed without the person.
const before = kept.tokens.refresh_token
kept.tokens = { ...kept.tokens, access_token: `hcmo_at_${'0'.repeat(64)}` }
await client.callTool({ name: 'get_account', arguments: {} })
assert.notEqual(kept.tokens.refresh_token, before)
assert.equal(timesAsked, 1)

const publish = () => client.callTool({ name: 'publish_content', arguments: { contentId: 'cnt_01M851E88BEZS4E1V4ZSCPXFGH' } })
if (kind === 'sse') {
  // There the answer itself says what is missing.
  assert.match(said(await publish()), /was not given the permission `publish`/)
} else if (version === 'v1') {
  // This one does not ask for more while it can renew what it has: the person connects it anew.
  await assert.rejects(publish(), /403/)
  await client.close()
  gives = ['read', 'write', 'publish']
  delete kept.tokens
  ;({ client, via } = await connect())
  assert.match(said(await publish()), /contentId/)
} else {
  // What the app lacks it asks for, and the person may say no.
  gives = []
  await assert.rejects(publish(), isUnauthorized)
  assert.equal((await nextAnswer()).get('error'), 'access_denied')
  ;({ client, via } = await connect())
  // Or yes.
  gives = ['read', 'write', 'publish']
  await assert.rejects(publish(), isUnauthorized)
  await finish(via)
  assert.equal(kept.tokens.scope, 'read write publish')
  ;({ client, via } = await connect())
  assert.match(said(await publish()), /contentId/)
  assert((await names(client)).includes('publish_content'))
}

// What is taken back opens nothing, and the app asks anew.
const asked = timesAsked
const body = new URLSearchParams({ token: kept.tokens.refresh_token })
assert.equal((await fetch(`${HEYCMO_GATEWAY}/oauth/revoke`, { method: 'POST', body })).status, 200)
await client.close()
gives = ['read']
;({ client } = await connect())
assert.equal(timesAsked, asked + 1)
assert.equal(kept.tokens.scope, 'read')
tools = await names(client)
assert(tools.includes('get_account') && !tools.includes('create_content'), String(tools))
await client.close()
process.exit(0)
