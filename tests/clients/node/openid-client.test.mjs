// openid-client v6 does the whole flow as an OpenID relying party.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from 'openid-client'
import { Person, run } from './person.mjs'

const SCOPE = 'openid profile email offline_access read'
const insecure = { execute: [client.allowInsecureRequests] }
const { web, loopback } = run.redirect

const auth = {
  basic: (secret) => client.ClientSecretBasic(secret),
  post: (secret) => client.ClientSecretPost(secret),
  public: () => client.None(),
}

function discover(name, options = {}) {
  const { client_id: id, client_secret: secret } = run.clients[name]
  const proof = (auth[name] ?? (name === 'service_post' ? auth.post : auth.basic))(secret)
  return client.discovery(new URL(run.issuer), id, undefined, proof, { ...insecure, ...options })
}

/** Sends a person to the authorization endpoint and redeems what comes back. */
async function signIn(config, { person = new Person('ada'), redirect = web, ...more } = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope: SCOPE, state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  })
  const answer = await person.visit(url)
  return { tokens: await client.authorizationCodeGrant(config, answer, checks), answer }
}

for (const algorithm of ['oidc', 'oauth2']) {
  test(`discovery by the ${algorithm} algorithm`, async () => {
    const metadata = (await discover('basic', { algorithm })).serverMetadata()
    assert.equal(metadata.issuer, run.issuer)
    assert.equal(metadata.supportsPKCE('S256'), true)
    assert.equal(metadata.authorization_response_iss_parameter_supported, true)
  })
}

for (const name of ['basic', 'post', 'public']) {
  test(`code, ID token, userinfo, refresh and revocation as the ${name} client`, async () => {
    const config = await discover(name)
    const redirect = name === 'public' ? loopback.replace('127.0.0.1', '127.0.0.1:50813') : web
    const { tokens } = await signIn(config, { redirect })
    const claims = tokens.claims()
    assert.equal(claims.sub, run.users.ada.id)
    assert.equal(claims.aud, run.clients[name].client_id)

    const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
    assert.equal(person.email, 'ada@example.org')

    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
    if (refreshed.id_token) assert.equal(refreshed.claims().sub, claims.sub)

    await client.tokenRevocation(config, refreshed.refresh_token, { token_type_hint: 'refresh_token' })
    await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), { error: 'invalid_grant' })
    await assert.rejects(client.fetchUserInfo(config, refreshed.access_token, claims.sub))
  })
}

test('response_mode=form_post', async () => {
  const { answer, tokens } = await signIn(await discover('basic'), { response_mode: 'form_post' })
  assert.ok(answer instanceof Request, 'the answer is posted to the application')
  assert.equal(tokens.claims().sub, run.users.ada.id)
})

test('a denial and prompt=none come back as errors with iss', async () => {
  const config = await discover('basic')
  const verifier = client.randomPKCECodeVerifier()
  const ask = async (more) => client.buildAuthorizationUrl(config, {
    redirect_uri: web, scope: 'openid write', state: 'xyz', code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more })
  const checks = { pkceCodeVerifier: verifier, expectedState: 'xyz' }
  const denied = await new Person('grace').visit(await ask(), 'deny')
  await assert.rejects(client.authorizationCodeGrant(config, denied, checks), { error: 'access_denied' })
  const silent = await new Person('grace').visit(await ask({ prompt: 'none' }))
  await assert.rejects(client.authorizationCodeGrant(config, silent, checks), { error: 'login_required' })
})

test('an answer from another issuer is refused by the client', async () => {
  const config = await discover('basic')
  const verifier = client.randomPKCECodeVerifier()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: web, scope: 'openid', state: 's', code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })
  const answer = await new Person('ada').visit(url)
  answer.searchParams.set('iss', 'https://attacker.example')
  await assert.rejects(client.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier, expectedState: 's' }), ({ cause }) => /"iss"/.test(cause.message))
})

test('max_age gives auth_time', async () => {
  const { tokens } = await signIn(await discover('basic'), { max_age: '60' })
  assert.ok(Math.abs(tokens.claims().auth_time - Date.now() / 1000) < 60)
})

for (const name of ['service', 'service_post']) {
  test(`client credentials, introspection and revocation as the ${name} client`, async () => {
    const config = await discover(name)
    const observer = await discover('observer')
    const { access_token: token, refresh_token: none } = await client.clientCredentialsGrant(config, { scope: 'read' })
    assert.equal(none, undefined)
    const said = await client.tokenIntrospection(observer, token)
    assert.equal(said.active, true)
    assert.equal(said.scope, 'read')
    await client.tokenRevocation(config, token)
    assert.deepEqual(await client.tokenIntrospection(observer, token), { active: false })
  })
}

test('a resource-bound token names its audience', async () => {
  const config = await discover('service')
  const { resource } = run.apis.es256
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'read', resource })
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
  assert.equal(claims.aud, resource)
})
