// An MCP server that knows nothing of OAuth: the SDK's own, on a free port of this machine.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

/** The tools: one tells who calls as the gateway said it, one sends a notification on the stream that the client keeps open. */
function tools() {
  const server = new McpServer({ name: 'lamps', version: '1.0.0' }, { capabilities: { logging: {} } })
  server.registerTool('whoami', { description: 'Who calls, as this server sees it' }, ({ requestInfo }) => ({
    content: [{ type: 'text', text: JSON.stringify(requestInfo.headers) }],
  }))
  server.registerTool('ring', { description: 'Rings on the open stream' }, async () => {
    await server.server.sendLoggingMessage({ level: 'info', data: 'the bell' })
    return { content: [] }
  })
  return server
}

/** Starts it; `url` is where the gateway sends requests, `close` ends it with every session. */
export async function start() {
  const sessions = new Map()
  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, transport),
      onsessionclosed: (id) => sessions.delete(id),
    })
    await tools().connect(transport)
    return transport
  }
  const http = createServer(async (request, response) => {
    const id = request.headers['mcp-session-id']
    const transport = id ? sessions.get(id) : await open()
    if (transport) await transport.handleRequest(request, response)
    else response.writeHead(404).end()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const close = async () => {
    for (const transport of sessions.values()) await transport.close()
    http.closeAllConnections()
    http.close()
  }
  return { url: `http://127.0.0.1:${http.address().port}`, sessions, close }
}
