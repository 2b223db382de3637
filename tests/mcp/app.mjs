// An application that uses MCP servers through the official SDK, and was given nothing but a URL.
import assert from 'node:assert/strict'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { run } from '../clients/node/person.mjs'

/** What the SDK asks its host application to keep. */
class Keeper {
  redirectUrl = 'http://127.0.0.1:33418/callback'
  asked = []

  constructor(method, clientMetadataUrl) {
    this.clientMetadataUrl = clientMetadataUrl
    this.clientMetadata = {
      client_name: 'Lamp Reader', redirect_uris: [this.redirectUrl], grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'], token_endpoint_auth_method: method,
    }
  }

  state() { return (this.lastState = crypto.randomUUID()) }
  clientInformation() { return this.client }
  saveClientInformation(client) { this.client = client }
  tokens() { return this.kept }
  saveTokens(tokens) { this.kept = tokens }
  codeVerifier() { return this.verifier }
  saveCodeVerifier(verifier) { this.verifier = verifier }
  redirectToAuthorization(url) { this.asked.push(url) }
  invalidateCredentials(which) {
    if (which === 'all') this.client = undefined
    if (which === 'all' || which === 'tokens') this.kept = undefined
  }
}

export class App {
  #client
  #transport
  rung = []
  /** Every request the SDK made: `METHOD path status`, and the form or JSON where one was sent to the authorization server. */
  wire = []

  /** `document`: the address at which it describes itself, instead of being registered. */
  constructor(url, person, method = 'none', document = undefined) {
    Object.assign(this, { url: new URL(url), person, keeper: new Keeper(method, document) })
  }

  #fetch = async (url, init) => {
    const response = await fetch(url, init)
    const { pathname } = new URL(url)
    const sent = init?.body instanceof URLSearchParams ? Object.fromEntries(init.body) : undefined
    this.wire.push({ line: `${init?.method ?? 'GET'} ${pathname} ${response.status}`, sent })
    return response
  }

  async #open() {
    this.#client = new Client({ name: 'lamp-reader', version: '1.0.0' })
    this.#client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => { this.rung.push(params.data) })
    this.#transport = new StreamableHTTPClientTransport(this.url, { authProvider: this.keeper, fetch: this.#fetch })
    await this.#client.connect(this.#transport)
  }

  /** The person decides on what was asked last, and the application redeems the answer. */
  async letIn(decision = 'allow') {
    const answer = await this.person.visit(this.keeper.asked.at(-1), decision)
    assert.equal(answer.origin + answer.pathname, this.keeper.redirectUrl)
    assert.equal(answer.searchParams.get('iss'), run.issuer)
    assert.equal(answer.searchParams.get('state'), this.keeper.lastState)
    const code = answer.searchParams.get('code')
    if (!code) throw new Error(answer.searchParams.get('error'))
    await this.#transport.finishAuth(code)
  }

  async connect(decision) {
    await assert.rejects(this.#open(), UnauthorizedError)
    await this.letIn(decision)
    await this.#open()
  }

  /** Calls a tool; `whoami` answers with the headers that reached the MCP server. */
  async call(name) {
    const { content } = await this.#client.callTool({ name })
    return content[0] && JSON.parse(content[0].text)
  }

  /** A call that cannot go on without the person. */
  async mustAsk() {
    const before = this.keeper.asked.length
    await assert.rejects(this.call('whoami'), UnauthorizedError)
    assert.equal(this.keeper.asked.length, before + 1, 'it asks the person once')
  }

  /** The requests since the last look. */
  look() { return this.wire.splice(0) }

  async close() { await this.#client?.close() }
}
