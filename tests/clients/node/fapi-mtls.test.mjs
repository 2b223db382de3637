// FAPI 2.0 with mutual TLS: a server of its own whose listener ends TLS, and openid-client with its certificate.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as client from 'openid-client'
import { Person, known, run } from './person.mjs'

const HOST = 'mtls.example'
const SCOPE = 'openid offline_access read'
const { web } = run.redirect
const folder = mkdtempSync(join(tmpdir(), 'valetkey-mtls-'))
const file = (name) => join(folder, name)
const server = {}

const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
const cli = (...args) => JSON.parse(execFileSync(run.bin, ['--data-dir', file('data'), '--json', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }))

/** An authority, and who it vouches for. */
function certificates() {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  openssl('req', '-x509', ...key, '-keyout', 'authority.key', '-out', 'authority.pem', '-subj', '/CN=Authority')
  for (const name of [HOST, 'bank', 'thief']) {
    openssl('req', '-x509', ...key, '-CA', 'authority.pem', '-CAkey', 'authority.key', '-keyout', `${name}.key`, '-out', `${name}.pem`,
      '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-addext', 'basicConstraints=critical,CA:FALSE')
  }
}

before(async () => {
  certificates()
  const own = { LISTEN: '127.0.0.1:0', CERTIFICATE_FILE: file(`${HOST}.pem`), KEY_FILE: file(`${HOST}.key`), CA_FILE: file('authority.pem'), URL: `https://${HOST}` }
  const further = Object.fromEntries(Object.entries(own).map(([name, value]) => [`VALETKEY__HTTP__CLIENT_CERTIFICATES__${name}`, value]))
  server.process = spawn(run.bin, ['--json', '--data-dir', file('data'), 'dev', '--listen', '127.0.0.1:0'],
    { env: { PATH: process.env.PATH, ...further }, stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(server.process.stdout, 'data')
  Object.assign(server, JSON.parse(line))
  for (const [id, further] of [['bank', []], ['bank-dpop', ['--set', 'dpop_bound_access_tokens=true']]]) {
    cli('client', 'create', '--id', id, '--name', 'Bank', '--redirect-uri', web, '--auth-method', 'tls_client_auth', '--scope', SCOPE,
      '--set', 'tls_client_auth_subject_dn=CN=bank', '--set', 'profile=fapi2', ...further)
  }
})
after(async () => {
  server.process.kill()
  await once(server.process, 'exit')
  rmSync(folder, { recursive: true })
})

/** fetch in connections that show this certificate: the name of the listener leads to where it listens. */
const showing = (name) => (url, options) => {
  const to = new URL(url)
  if (to.hostname !== HOST) return fetch(url, options)
  const [host, port] = server.certificates[0].split(':')
  return new Promise((resolve, reject) => {
    const call = https.request({
      host, port, servername: HOST, path: to.pathname + to.search, method: options.method, agent: false, ca: readFileSync(file('authority.pem')),
      cert: readFileSync(file(`${name}.pem`)), key: readFileSync(file(`${name}.key`)), headers: { ...Object.fromEntries(new Headers(options.headers)), host: HOST } })
    call.on('error', reject)
    call.on('response', async (answer) => {
      const parts = await answer.toArray()
      const headers = Object.entries(answer.headers).map(([header, value]) => [header, String(value)])
      resolve(new Response(Buffer.concat(parts), { status: answer.statusCode, headers }))
    })
    call.end(options.body?.toString())
  })
}

const discover = (id, name = 'bank') => client.discovery(new URL(server.issuer), id, { use_mtls_endpoint_aliases: true }, client.TlsClientAuth(),
  { execute: [client.allowInsecureRequests], [client.customFetch]: showing(name) })

const alice = () => new Person('alice', { issuer: server.issuer, user: { username: server.user.username, password: server.user.password } })

async function tokens(config, options) {
  const verifier = client.randomPKCECodeVerifier()
  const checks = { pkceCodeVerifier: verifier, expectedNonce: client.randomNonce(), idTokenExpected: true }
  const asked = { redirect_uri: web, scope: SCOPE, nonce: checks.expectedNonce, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
  const url = await known(() => client.buildAuthorizationUrlWithPAR(config, asked, options))
  const answer = await alice().visit(url)
  return client.authorizationCodeGrant(config, answer, checks, undefined, options)
}

test('openid-client: tls_client_auth at the aliases, tokens bound to the certificate', async () => {
  const config = await discover('bank')
  assert.equal(config.serverMetadata().mtls_endpoint_aliases.token_endpoint, `https://${HOST}/oauth/token`)
  const first = await tokens(config)
  assert.equal(first.token_type, 'bearer')
  const { sub } = await client.fetchUserInfo(config, first.access_token, first.claims().sub)
  assert.ok(sub)
  const again = await client.refreshTokenGrant(config, first.refresh_token)
  assert.equal((await client.fetchUserInfo(config, again.access_token, sub)).sub, sub)
  const told = await client.tokenIntrospection(config, again.access_token)
  assert.ok(told.cnf['x5t#S256'], JSON.stringify(told))
  const plain = await fetch(`${server.issuer}/oauth/userinfo`, { headers: { authorization: `Bearer ${first.access_token}` } })
  assert.equal(plain.status, 401, 'without the certificate')
  const stolen = await showing('thief')(`https://${HOST}/oauth/userinfo`, { method: 'GET', headers: { authorization: `Bearer ${first.access_token}` } })
  assert.equal(stolen.status, 401, 'with another')
})

test('openid-client: tls_client_auth at the aliases with DPoP, whose proofs name the aliases', async () => {
  const config = await discover('bank-dpop')
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const first = await tokens(config, { DPoP })
  assert.equal(first.token_type, 'dpop')
  const { sub } = await client.fetchUserInfo(config, first.access_token, first.claims().sub, { DPoP })
  assert.ok(sub)
  assert.equal((await client.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP })).token_type, 'dpop')
})

test('openid-client: another certificate is another client', async () => {
  const config = await discover('bank', 'thief')
  await assert.rejects(client.buildAuthorizationUrlWithPAR(config, { redirect_uri: web, scope: SCOPE }), { error: 'invalid_client' })
})
