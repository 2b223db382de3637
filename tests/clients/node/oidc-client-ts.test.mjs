// oidc-client-ts, the library of browser apps, as its class without a window.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from 'oidc-client-ts'
import { Person, run } from './person.mjs'

const redirect = run.redirect.loopback.replace('127.0.0.1', '127.0.0.1:50914')

function browserApp(more = {}) {
  return new OidcClient({
    authority: run.issuer,
    client_id: run.clients.public.client_id,
    redirect_uri: redirect,
    scope: 'openid profile email offline_access read',
    loadUserInfo: true,
    stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    ...more,
  })
}

test('a browser app signs a person in, reads userinfo and refreshes', async () => {
  const app = browserApp()
  const request = await app.createSigninRequest({ state: { page: 'inbox' }, nonce: 'n-0S6_WzA2Mj' })
  const answer = await new Person('grace').visit(request.url)
  const signed = await app.processSigninResponse(answer.href)
  assert.deepEqual(signed.userState, { page: 'inbox' })
  assert.equal(signed.profile.sub, run.users.grace.id)
  assert.equal(signed.profile.email, 'grace@example.org')
  assert.ok(signed.id_token && signed.access_token && signed.refresh_token)

  const state = { refresh_token: signed.refresh_token, id_token: signed.id_token, profile: signed.profile, session_state: null, scope: signed.scope, data: {} }
  const refreshed = await app.useRefreshToken({ state })
  assert.notEqual(refreshed.access_token, signed.access_token)
  await app.revokeToken(refreshed.refresh_token, 'refresh_token')
  await assert.rejects(app.useRefreshToken({ state: { ...state, refresh_token: refreshed.refresh_token } }), { error: 'invalid_grant' })
})

test('what the person refuses comes back as the error, with the state', async () => {
  const app = browserApp()
  const request = await app.createSigninRequest({ state: 'kept', prompt: 'consent' })
  const answer = await new Person('niklaus').visit(request.url, 'deny')
  await assert.rejects(app.processSigninResponse(answer.href), { error: 'access_denied', state: 'kept' })
})

test('an answer is taken once', async () => {
  const app = browserApp()
  const request = await app.createSigninRequest({})
  const answer = await new Person('grace').visit(request.url)
  await app.processSigninResponse(answer.href)
  await assert.rejects(app.processSigninResponse(answer.href), /state/)
})

test('signing out is a request to the end session endpoint with the hint', async () => {
  const app = browserApp()
  const { url } = await app.createSignoutRequest({ id_token_hint: 'hint', post_logout_redirect_uri: redirect })
  const asked = new URL(url)
  assert.equal(asked.origin + asked.pathname, `${run.issuer}/oauth/logout`)
  assert.equal(asked.searchParams.get('id_token_hint'), 'hint')
})
