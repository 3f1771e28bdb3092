// The bridge that stands between Claude Desktop and us, with nothing but the address of the server. It says on its standard
// error where the person is to go.

import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { decide } from './person.mjs'

const { HEYCMO_MCP } = process.env

async function connect() {
  const args = ['mcp-remote', `${HEYCMO_MCP}/mcp`, '--allow-http']
  const transport = new StdioClientTransport({ command: 'npx', args, env: { ...process.env }, stderr: 'pipe' })
  let told = ''
  let person
  transport.stderr.on('data', chunk => {
    told += chunk
    const address = told.match(/^.*(http\S+\/oauth\/authorize\?\S+)/m)?.[1]
    if (address && told.includes('\n', told.indexOf(address))) person ??= decide(address, ['read', 'write'])
  })
  const client = new Client({ name: 'behind-mcp-remote', version: '1' })
  try {
    await client.connect(transport)
  } catch (error) {
    throw new Error(`${error}\n${told}`)
  }
  const wasAsked = person !== undefined
  await person
  return { client, wasAsked }
}

const first = await connect()
assert(first.wasAsked)
const { tools } = await first.client.listTools()
const names = tools.map(({ name }) => name)
assert(names.includes('create_content') && !names.includes('publish_content'), String(names))
const answer = await first.client.callTool({ name: 'get_account', arguments: {} })
assert.notEqual(answer.isError, true)
await first.client.close()

// What it was given it keeps for the next time.
const second = await connect()
assert(!second.wasAsked)
await second.client.callTool({ name: 'get_account', arguments: {} })
await second.client.close()
process.exit(0)
