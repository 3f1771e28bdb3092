// @modelcontextprotocol/client, the second TypeScript SDK, which can speak the protocol of 2026-07-28.
//
// sdk-v2.mjs sse|http legacy|auto

import assert from 'node:assert/strict'
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { inbox, isEnduring, job, reconnectionOptions, saysUnauthorized, told, toldWrongly } from './steps.mjs'

const transports = {
  sse: ({ url }) => new SSEClientTransport(new URL(url)),
  http: ({ url, headers }) => new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, reconnectionOptions }),
}
const [kind, mode] = process.argv.slice(2)
// The older transport has no way to carry the newest protocol.
const isModern = kind === 'http' && mode === 'auto'

async function connect(to = told) {
  const client = new Client({ name: 'heycmo-tests', version: '2' }, { versionNegotiation: { mode } })
  const changes = inbox()
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => changes.put(params.uri))
  await client.connect(transports[kind](to))
  return {
    client,
    version: client.getNegotiatedProtocolVersion(),
    call: (name, args, options) => client.callTool({ name, arguments: args }, options),
    async watch(uri) {
      if (isModern) {
        const subscription = await client.listen({ resourceSubscriptions: [uri] })
        return { next: changes.next, stop: () => subscription.close() }
      }
      await client.subscribeResource({ uri })
      return { next: changes.next, stop: () => client.unsubscribeResource({ uri }) }
    },
  }
}

if (!isEnduring) await assert.rejects(connect(toldWrongly), saysUnauthorized)
await job(connect, { version: isModern ? '2026-07-28' : '2025-11-25', hasPing: !isModern })
