// The official MCP SDK's client as an application that nobody registered: its client_id is the address of its description.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Person, run } from '../clients/node/person.mjs'
import { App } from './app.mjs'
import { start } from './upstream.mjs'

const origin = process.env.VALETKEY_TEST_DOCUMENTS
const listed = process.env.VALETKEY_TEST_MODE === 'allow-list'
const resource = `${run.issuer}/described`
let upstream

async function valetkey(...words) {
  const { stdout } = await promisify(execFile)(run.bin, ['--data-dir', run.data_dir, '--json', ...words])
  return stdout.trim() && JSON.parse(stdout)
}

before(async () => {
  upstream = await start()
  await valetkey('scope', 'create', 'shades', '--description', 'Use your shades')
  await valetkey('api', 'create', '--id', 'described', '--name', 'Shades', '--prefix', '/described', '--upstream', upstream.url, '--scope', 'shades')
  for (const end = Date.now() + 5000; !(await fetch(`${run.issuer}/.well-known/oauth-protected-resource/described`)).ok;) {
    assert.ok(Date.now() < end, 'the API is known')
    await new Promise((done) => setTimeout(done, 25))
  }
})

after(() => upstream.close())

test('from the URL alone to a tool call, and nobody registered anything', async () => {
  const document = `${origin}/listed/agent.json`
  const own = new App(resource, new Person('ada'), 'none', document)
  try {
    await own.connect()
    const wire = own.look().map(({ line }) => line)
    assert.ok(!wire.some((line) => line.includes('/oauth/register')), wire.join('\n'))
    assert.equal(own.keeper.asked[0].searchParams.get('client_id'), document)
    assert.equal((await own.call('whoami'))['remote-client'], document)
    const consent = own.person.pages.find((page) => page.includes('name="decision"'))
    assert.match(consent, /Nobody here has checked this app/)
    assert.ok(consent.includes(new URL(origin).host), 'the host that vouches for it')
    const clients = await valetkey('client', 'list')
    const row = clients.find(({ client_id: id }) => id === document)
    assert.deepEqual([row.compat, row.introspect], [[], false])
  } finally {
    await own.close()
  }
})

test('the token is refreshed by the same address', async () => {
  const own = new App(resource, new Person('grace'), 'none', `${origin}/listed/other.json`)
  try {
    await own.connect()
    const form = new URLSearchParams({
      grant_type: 'refresh_token', refresh_token: own.keeper.kept.refresh_token, client_id: `${origin}/listed/other.json`, resource,
    })
    const answer = await fetch(`${run.issuer}/oauth/token`, { method: 'POST', body: form })
    assert.equal(answer.status, 200, await answer.clone().text())
  } finally {
    await own.close()
  }
})

test('an address that the operator did not list is refused on a page', { skip: !listed }, async () => {
  const own = new App(resource, new Person('grace'), 'none', `${origin}/elsewhere/agent.json`)
  try {
    await assert.rejects(own.connect(), /only from hosts that its operator lists/)
    assert.equal(own.keeper.kept, undefined)
  } finally {
    await own.close()
  }
})
