// oauth4webapi, the strictest of the libraries: every check of the flow is made explicitly.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { Person, run } from './person.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(run.issuer)
const redirect = run.redirect.web

async function discover(algorithm = 'oauth2') {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }))
}

function registered(name) {
  const { client_id, client_secret } = run.clients[name]
  return { client: { client_id }, proof: oauth.ClientSecretBasic(client_secret) }
}

/** An authorization answer, checked by the library: state, iss, error. */
async function authorize(as, client, { person = new Person('grace'), ...more } = {}) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(as.authorization_endpoint)
  const parameters = {
    client_id: client.client_id, redirect_uri: redirect, response_type: 'code', scope: 'read offline_access', state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  const answer = await person.visit(url)
  const response = answer instanceof Request ? await answer.clone().formData() : answer
  const checked = oauth.validateAuthResponse(as, client, response instanceof FormData ? new URLSearchParams([...response]) : response, state)
  return { checked, verifier }
}

async function redeem(as, client, proof, { checked, verifier }, checks) {
  const response = await oauth.authorizationCodeGrantRequest(as, client, proof, checked, redirect, verifier, insecure)
  return oauth.processAuthorizationCodeResponse(as, client, response, checks)
}

for (const mode of ['query', 'form_post']) {
  test(`code + PKCE with response_mode=${mode}, refresh, introspection, revocation`, async () => {
    const as = await discover()
    const { client, proof } = registered('either')
    const token = await redeem(as, client, proof, await authorize(as, client, { response_mode: mode }))
    assert.equal(token.token_type, 'bearer')

    const refreshing = await oauth.refreshTokenGrantRequest(as, client, proof, token.refresh_token, insecure)
    const refreshed = await oauth.processRefreshTokenResponse(as, client, refreshing)

    const ask = async (value) =>
      oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, proof, value, insecure))
    assert.equal((await ask(refreshed.access_token)).active, true)
    const revoking = await oauth.revocationRequest(as, client, proof, refreshed.access_token, insecure)
    await oauth.processRevocationResponse(revoking)
    assert.equal((await ask(refreshed.access_token)).active, false)
    assert.equal((await ask(refreshed.refresh_token)).active, false)
  })
}

test('OpenID Connect: nonce, max_age, ID token signature, userinfo', async () => {
  const as = await discover('oidc')
  const { client, proof } = registered('either')
  const nonce = oauth.generateRandomNonce()
  const reached = await authorize(as, client, { scope: 'openid profile', nonce, max_age: '300' })
  const response = await oauth.authorizationCodeGrantRequest(as, client, proof, reached.checked, redirect, reached.verifier, insecure)
  const token = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, maxAge: 300, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, response, insecure)
  const { sub } = oauth.getValidatedIdTokenClaims(token)
  const person = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, token.access_token, insecure))
  assert.equal(person.preferred_username, 'grace')
})

test('a code is good once', async () => {
  const as = await discover()
  const { client, proof } = registered('either')
  const reached = await authorize(as, client)
  await redeem(as, client, proof, reached)
  await assert.rejects(redeem(as, client, proof, reached), { error: 'invalid_grant' })
})

test('a JWT access token passes the RFC 9068 validation of a resource server', async () => {
  const as = await discover()
  const { client, proof } = registered('service')
  for (const { resource } of Object.values(run.apis)) {
    const response = await oauth.clientCredentialsGrantRequest(as, client, proof, { scope: 'read', resource }, insecure)
    const { access_token: token } = await oauth.processClientCredentialsResponse(as, client, response)
    const call = new Request('https://api.example/things', { headers: { authorization: `Bearer ${token}` } })
    const claims = await oauth.validateJwtAccessToken(as, call, resource, insecure)
    assert.equal(claims.client_id, client.client_id)
  }
})

test('a wrong secret is invalid_client with a challenge', async () => {
  const as = await discover()
  const { client } = registered('basic')
  const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic('wrong'), {}, insecure)
  assert.equal(response.status, 401)
  assert.match(response.headers.get('www-authenticate'), /^Basic/)
  await assert.rejects(oauth.processClientCredentialsResponse(as, client, response), (error) => {
    assert.equal(error.status ?? error.response?.status, 401)
    return true
  })
})
