// AppAuth for JavaScript, as a native app on somebody's desk uses it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import appauth from '@openid/appauth'
import { NodeCrypto } from '@openid/appauth/built/node_support/crypto_utils.js'
import { NodeRequestor } from '@openid/appauth/built/node_support/node_requestor.js'
import { Person, run } from './person.mjs'

const {
  AuthorizationRequest, AuthorizationRequestHandler, AuthorizationServiceConfiguration, BaseTokenRequestHandler,
  BasicQueryStringUtils, GRANT_TYPE_AUTHORIZATION_CODE, GRANT_TYPE_REFRESH_TOKEN, RevokeTokenRequest, TokenRequest,
} = appauth

const crypto = new NodeCrypto()
const requestor = new NodeRequestor()
const client_id = run.clients.public.client_id
const redirect_uri = run.redirect.loopback.replace('127.0.0.1', '127.0.0.1:50915')

/** The URL that the library would open in the browser. */
class Opened extends AuthorizationRequestHandler {
  constructor() {
    super(new BasicQueryStringUtils(), crypto)
  }

  url(configuration, request) {
    return this.buildRequestUrl(configuration, request)
  }
}

test('a native app signs a person in, refreshes and gives its token back', async () => {
  const configuration = await AuthorizationServiceConfiguration.fetchFromIssuer(run.issuer, requestor)
  assert.equal(configuration.tokenEndpoint, `${run.issuer}/oauth/token`)
  const request = new AuthorizationRequest({
    client_id, redirect_uri, scope: 'openid offline_access read', response_type: AuthorizationRequest.RESPONSE_TYPE_CODE, extras: { prompt: 'consent' },
  }, crypto, true)
  await request.setupCodeVerifier()
  const answer = await new Person('edsger').visit(new Opened().url(configuration, request))
  assert.equal(answer.searchParams.get('state'), request.state)

  const tokens = new BaseTokenRequestHandler(requestor)
  const first = await tokens.performTokenRequest(configuration, new TokenRequest({
    client_id, redirect_uri, grant_type: GRANT_TYPE_AUTHORIZATION_CODE, code: answer.searchParams.get('code'), extras: { code_verifier: request.internal.code_verifier },
  }))
  assert.ok(first.idToken && first.refreshToken && first.isValid(0))

  const refresh = (token) => tokens.performTokenRequest(configuration, new TokenRequest({ client_id, redirect_uri, grant_type: GRANT_TYPE_REFRESH_TOKEN, refresh_token: token }))
  const second = await refresh(first.refreshToken)
  assert.notEqual(second.refreshToken, first.refreshToken)

  assert.equal(await tokens.performRevokeTokenRequest(configuration, new RevokeTokenRequest({ client_id, token: second.refreshToken, token_type_hint: 'refresh_token' })), true)
  await assert.rejects(refresh(second.refreshToken))
})

test('without its verifier a code is nothing', async () => {
  const configuration = await AuthorizationServiceConfiguration.fetchFromIssuer(run.issuer, requestor)
  const request = new AuthorizationRequest({ client_id, redirect_uri, scope: 'openid', response_type: 'code' }, crypto, true)
  await request.setupCodeVerifier()
  const answer = await new Person('edsger').visit(new Opened().url(configuration, request))
  const grant = new TokenRequest({ client_id, redirect_uri, grant_type: GRANT_TYPE_AUTHORIZATION_CODE, code: answer.searchParams.get('code') })
  await assert.rejects(new BaseTokenRequestHandler(requestor).performTokenRequest(configuration, grant))
})
