// The official MCP SDK's client, an MCP server behind the gateway, and nothing but the API's URL between them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, afterEach, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Person, run } from '../clients/node/person.mjs'
import { App } from './app.mjs'
import { start } from './upstream.mjs'

const resource = `${run.issuer}/mcp`
let upstream
let apps = []

async function valetkey(...words) {
  const { stdout } = await promisify(execFile)(run.bin, ['--data-dir', run.data_dir, '--json', ...words])
  return stdout.trim() && JSON.parse(stdout)
}

/** What a command changed acts within a second; 5 are for a busy machine. */
async function until(what, met) {
  for (const end = Date.now() + 5000; !(await met());) {
    assert.ok(Date.now() < end, `not within 5 s: ${what}`)
    await new Promise((done) => setTimeout(done, 25))
  }
}

const status = async (url, token) => (await fetch(url, { headers: { authorization: `Bearer ${token}`, accept: 'application/json' } })).status
const refused = (app, token) => until('the token is refused', async () => (await status(app.url, token)) === 401)

async function api(id, ...words) {
  await valetkey('api', 'create', '--id', id, '--name', `Lamps (${id})`, '--prefix', `/${id}`, '--upstream', upstream.url, ...words)
}

function app(url, { person = 'ada', method } = {}) {
  const made = new App(url, new Person(person), method)
  apps.push(made)
  return made
}

before(async () => {
  upstream = await start()
  await valetkey('scope', 'create', 'lamps', '--description', 'Use your lamps')
  await api('mcp', '--scope', 'lamps')
  await valetkey('endpoint', 'create', '--api', 'mcp', '--method', '*', '--path', '/', '--scope', 'lamps', '--user')
  await api('brief', '--scope', 'lamps', '--access-token-lifetime', '3s')
  await until('the last API is known', async () => (await fetch(`${run.issuer}/.well-known/oauth-protected-resource/brief`)).ok)
})

afterEach(async () => {
  await Promise.all(apps.map((each) => each.close()))
  apps = []
})

after(() => upstream.close())

for (const method of ['none', 'client_secret_post', 'client_secret_basic']) {
  test(`from the URL alone to a tool call, registered with ${method}`, async () => {
    const own = app(resource, { method })
    await own.connect()
    const wire = own.look()
    assert.deepEqual(wire.slice(0, 4).map(({ line }) => line), [
      'POST /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server 200',
      'POST /oauth/register 201',
    ])
    const [asked] = own.keeper.asked
    assert.equal(asked.searchParams.get('resource'), resource)
    assert.equal(asked.searchParams.get('code_challenge_method'), 'S256')
    assert.equal(asked.searchParams.get('scope'), 'lamps', 'the scope of the challenge')
    const redeemed = wire.filter(({ line }) => line === 'POST /oauth/token 200')
    assert.deepEqual(redeemed.map(({ sent }) => [sent.grant_type, sent.resource]), [['authorization_code', resource]])

    const headers = await own.call('whoami')
    assert.equal(headers['remote-user'], run.users.ada.id)
    assert.equal(headers['remote-client'], own.keeper.client.client_id)
    assert.equal(headers['remote-scopes'], 'lamps')
    assert.ok(!JSON.stringify(headers).includes(own.keeper.kept.access_token), 'the token does not travel upstream')
    assert.equal(own.keeper.asked.length, 1)
  })
}

test('an MCP endpoint below the prefix leads to the same API', async () => {
  const own = app(`${run.issuer}/brief/deep/mcp`)
  await own.connect()
  assert.equal(own.keeper.asked[0].searchParams.get('resource'), `${run.issuer}/brief`)
  assert.equal((await own.call('whoami'))['remote-user'], run.users.ada.id)
})

test('an application in a browser may read the metadata and register', async () => {
  const origin = 'http://localhost:6274'
  for (const [path, method, asks] of [
    ['/.well-known/oauth-protected-resource/mcp', 'GET', 'mcp-protocol-version'],
    ['/.well-known/oauth-authorization-server', 'GET', 'mcp-protocol-version'],
    ['/oauth/register', 'POST', 'content-type'],
  ]) {
    const headers = { origin, 'access-control-request-method': method, 'access-control-request-headers': asks }
    const preflight = await fetch(run.issuer + path, { method: 'OPTIONS', headers })
    assert.equal(preflight.status, 204, path)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*', path)
    assert.ok(preflight.headers.get('access-control-allow-headers').split(', ').includes(asks), path)
    const sent = method === 'POST' && { method, headers: { origin, 'content-type': 'application/json' }, body: JSON.stringify({ redirect_uris: [`${origin}/back`] }) }
    const answer = await fetch(run.issuer + path, sent || { headers: { origin, 'mcp-protocol-version': '2025-11-25' } })
    assert.ok(answer.ok, path)
    assert.equal(answer.headers.get('access-control-allow-origin'), '*', path)
  }
})

test('the consent page says that nobody checked an application that registered itself', async () => {
  const own = app(resource, { person: 'grace' })
  await own.connect()
  const consent = own.person.pages.find((page) => page.includes('name="decision"'))
  assert.match(consent, /Nobody here has checked this app/)
  assert.match(consent, /Lamp Reader/)
  assert.match(consent, /Use your lamps/)
})

test('what the MCP server says on its open stream reaches the application through the gateway', async () => {
  const own = app(resource)
  await own.connect()
  await until('the stream is open', () => own.wire.some(({ line }) => line === 'GET /mcp 200'))
  await own.call('ring')
  await until('the bell was heard', () => own.rung.length === 1)
  assert.deepEqual(own.rung, ['the bell'])
})

test('a token is good for the API it was asked for and no other', async () => {
  const own = app(resource)
  await own.connect()
  assert.equal(await status(`${run.issuer}/brief`, own.keeper.kept.access_token), 401)
  assert.notEqual(await status(resource, own.keeper.kept.access_token), 401)
})

test('an expired token is refreshed for the same resource, and nobody is asked', async () => {
  const own = app(`${run.issuer}/brief`)
  await own.connect()
  const first = own.keeper.kept
  await refused(own, first.access_token)
  own.look()
  assert.equal((await own.call('whoami'))['remote-user'], run.users.ada.id)
  const [refresh] = own.look().filter(({ line }) => line.startsWith('POST /oauth/token'))
  assert.deepEqual([refresh.line, refresh.sent.grant_type, refresh.sent.resource], ['POST /oauth/token 200', 'refresh_token', `${run.issuer}/brief`])
  assert.notEqual(own.keeper.kept.access_token, first.access_token)
  assert.notEqual(own.keeper.kept.refresh_token, first.refresh_token, 'a public client gets a new refresh token')
  assert.equal(own.keeper.asked.length, 1)
})

test('after the grant is revoked the application asks again, as the same client', async () => {
  const own = app(resource)
  await own.connect()
  const { client_id: id } = own.keeper.client
  const { access_token: token } = own.keeper.kept
  await valetkey('grant', 'revoke', '--user', 'ada', '--client', id)
  await refused(own, token)
  own.look()
  await own.mustAsk()
  assert.deepEqual(own.look().map(({ line }) => line).filter((line) => line.includes('/oauth/')), ['POST /oauth/token 400'])
  await own.letIn()
  assert.equal((await own.call('whoami'))['remote-client'], id)
})

for (const method of ['none', 'client_secret_post', 'client_secret_basic']) {
  test(`after the client is deleted the application registers anew and asks, with ${method}`, async () => {
    const own = app(resource, { method })
    await own.connect()
    const { client_id: id } = own.keeper.client
    const { access_token: token } = own.keeper.kept
    await valetkey('client', 'delete', id)
    await refused(own, token)
    own.look()
    await own.mustAsk()
    assert.deepEqual(own.look().map(({ line }) => line).filter((line) => line.includes('/oauth/')), [
      'POST /oauth/token 401',
      'POST /oauth/register 201',
    ])
    assert.notEqual(own.keeper.client.client_id, id)
    await own.letIn()
    assert.equal((await own.call('whoami'))['remote-client'], own.keeper.client.client_id)
  })
}

test('a person who declines ends it: no token, no call', async () => {
  const own = app(resource, { person: 'edsger' })
  await assert.rejects(own.connect('deny'), /access_denied/)
  assert.equal(own.keeper.kept, undefined)
})
