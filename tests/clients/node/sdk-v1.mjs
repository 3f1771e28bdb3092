// @modelcontextprotocol/sdk, the TypeScript SDK that most assistants are built with.
//
// sdk-v1.mjs sse|http|mcp-remote

import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { inbox, isEnduring, job, reconnectionOptions, saysUnauthorized, told, toldWrongly } from './steps.mjs'

const transports = {
  'sse': ({ url }) => new SSEClientTransport(new URL(url)),
  'http': ({ url, headers }) => new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, reconnectionOptions }),
  // A local program, started as Claude Desktop does.
  'mcp-remote': ({ command, args, env }) => new StdioClientTransport({ command, args, env: { ...process.env, ...env } }),
}
const kind = process.argv[2]

async function connect(to = told) {
  const client = new Client({ name: 'heycmo-tests', version: '1' })
  const transport = transports[kind](to)
  const changes = inbox()
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => changes.put(params.uri))
  await client.connect(transport)
  return {
    client,
    version: transport.protocolVersion ?? '2025-11-25',
    call: (name, args, options) => client.callTool({ name, arguments: args }, undefined, options),
    async watch(uri) {
      await client.subscribeResource({ uri })
      return { next: changes.next, stop: () => client.unsubscribeResource({ uri }) }
    },
  }
}

// mcp-remote takes a 401 for an invitation to log in, and says on its standard error that it could not.
if (!isEnduring) await assert.rejects(connect(toldWrongly), kind === 'mcp-remote' ? /closed/ : saysUnauthorized)
// Its own stream for updates is tried again only twice, so it may be gone for good.
await job(connect, { version: '2025-11-25', watchesAfterRestart: kind !== 'mcp-remote' })
