// FAPI 2.0: pushed requests, private_key_jwt and DPoP, by openid-client and by oauth4webapi.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { Person, known, run } from './person.mjs'

const SCOPE = 'openid offline_access read'
const { web } = run.redirect
const insecure = { [oauth.allowInsecureRequests]: true }
const folder = mkdtempSync(join(tmpdir(), 'valetkey-fapi-'))
const bank = {}

const cli = (...args) => JSON.parse(execFileSync(run.bin, ['--data-dir', run.data_dir, '--json', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }))

before(async () => {
  bank.keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const jwk = await crypto.subtle.exportKey('jwk', bank.keys.publicKey)
  const file = join(folder, 'jwks.json')
  writeFileSync(file, JSON.stringify({ keys: [{ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid: 'bank-1', use: 'sig', alg: 'ES256' }] }))
  bank.id = cli('client', 'create', '--name', 'Bank', '--redirect-uri', web, '--auth-method', 'private_key_jwt', '--jwks', file,
    '--scope', SCOPE, '--set', 'profile=fapi2', '--set', 'id_token_signed_response_alg=ES256').client_id
  bank.key = { key: bank.keys.privateKey, kid: 'bank-1' }
})
after(() => rmSync(folder, { recursive: true }))

const discover = () => client.discovery(new URL(run.issuer), bank.id, undefined, client.PrivateKeyJwt(bank.key), { execute: [client.allowInsecureRequests] })

test('openid-client: pushed request, private_key_jwt, DPoP from code to refresh', async () => {
  const config = await discover()
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const verifier = client.randomPKCECodeVerifier()
  const checks = { pkceCodeVerifier: verifier, expectedNonce: client.randomNonce(), idTokenExpected: true }
  const asked = { redirect_uri: web, scope: SCOPE, nonce: checks.expectedNonce, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
  const url = await known(() => client.buildAuthorizationUrlWithPAR(config, asked, { DPoP }))
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
  const answer = await new Person('niklaus').visit(url)
  const tokens = await client.authorizationCodeGrant(config, answer, checks, undefined, { DPoP })
  assert.equal(tokens.token_type, 'dpop')
  const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
  assert.equal(person.sub, run.users.niklaus.id)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  assert.equal(refreshed.token_type, 'dpop')
  // FAPI 2.0 §5.3.2.1: no rotation.
  assert.ok([undefined, tokens.refresh_token].includes(refreshed.refresh_token))
  await assert.rejects(client.fetchUserInfo(config, refreshed.access_token, person.sub), 'a bound token is no bearer token')
})

test('openid-client: such a client sends no plain request', async () => {
  const config = await discover()
  const verifier = client.randomPKCECodeVerifier()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: web, scope: SCOPE, state: 'plain', code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })
  const answer = await known(() => new Person('niklaus').visit(url))
  await assert.rejects(client.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier, expectedState: 'plain' }), { error: 'invalid_request' })
})

test('openid-client: without a proof there is no token', async () => {
  const config = await discover()
  const verifier = client.randomPKCECodeVerifier()
  const asked = { redirect_uri: web, scope: SCOPE, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state: 's' }
  const answer = await new Person('niklaus').visit(await known(() => client.buildAuthorizationUrlWithPAR(config, asked)))
  await assert.rejects(client.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier, expectedState: 's' }), ({ error }) => /^invalid_(request|dpop_proof)$/.test(error))
})

test('oauth4webapi: pushed request, private_key_jwt, DPoP', async () => {
  const issuer = new URL(run.issuer)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
  const app = { client_id: bank.id }
  const proof = oauth.PrivateKeyJwt(bank.key)
  const DPoP = oauth.DPoP(app, await oauth.generateKeyPair('ES256'))
  const verifier = oauth.generateRandomCodeVerifier()
  const asked = new URLSearchParams({
    response_type: 'code', redirect_uri: web, scope: SCOPE, state: 'st', nonce: 'nn', code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })
  const push = async () => oauth.processPushedAuthorizationResponse(as, app, await oauth.pushedAuthorizationRequest(as, app, proof, asked, { DPoP, ...insecure }))
  const { request_uri } = await known(push)
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({ client_id: bank.id, request_uri })
  const answer = oauth.validateAuthResponse(as, app, await new Person('niklaus').visit(url), 'st')
  const response = await oauth.authorizationCodeGrantRequest(as, app, proof, answer, web, verifier, { DPoP, ...insecure })
  const tokens = await oauth.processAuthorizationCodeResponse(as, app, response, { expectedNonce: 'nn', requireIdToken: true })
  assert.equal(tokens.token_type, 'dpop')
  const read = await oauth.userInfoRequest(as, app, tokens.access_token, { DPoP, ...insecure })
  assert.equal((await oauth.processUserInfoResponse(as, app, oauth.skipSubjectCheck, read)).sub, run.users.niklaus.id)
})
