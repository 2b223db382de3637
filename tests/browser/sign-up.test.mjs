// Accounts that people make for themselves: through prompt=create and from the sign-in page, in a real browser, without
// script too; and the page that says that an address is still to be confirmed.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { allow, arrived } from './lib.mjs'
import { looksRight } from './look.mjs'
import { freePort, serve } from './server.mjs'
import { stage } from './stage.mjs'

const on = stage()
const home = mkdtempSync(join(tmpdir(), 'valetkey-sign-up-'))
const own = {}

before(async () => {
  const port = await freePort()
  own.issuer = `http://localhost:${port}`
  own.server = await serve(home, port, await freePort(), { VALETKEY__ACCOUNTS__SIGN_UP: 'true' })
  const created = ['client', 'create', '--name', 'Photo Printer', '--redirect-uri', 'http://127.0.0.1/callback', '--scope', 'openid profile email']
  own.client = own.server.valetkey(created)
})
after(async () => {
  await own.server?.stop()
  rmSync(home, { recursive: true, force: true })
})

const PASSWORD = 'nine wooden boats on a lake'

/** The address of a request to this server; its answer's code is redeemed by `redeem`. */
function authorize(more = {}) {
  const url = new URL(on.app.authorize({ scope: 'openid profile email', ...more }))
  url.searchParams.set('client_id', own.client.client_id)
  return `${own.issuer}${url.pathname}${url.search}`
}

async function redeem(answer) {
  assert.ok(answer?.code, JSON.stringify(answer))
  const { client_id, client_secret } = own.client
  const { verifier } = on.app.verifiers.get(answer.state)
  const fields = { grant_type: 'authorization_code', code: answer.code, redirect_uri: on.app.redirect, code_verifier: verifier, client_id, client_secret }
  const response = await fetch(`${own.issuer}/oauth/token`, { method: 'POST', body: new URLSearchParams(fields) })
  assert.equal(response.status, 200)
  const tokens = await response.json()
  const userinfo = await fetch(`${own.issuer}/oauth/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
  return userinfo.json()
}

async function fill(page, { username, email = '', password = PASSWORD }) {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create the account' }).click()
}

for (const javaScriptEnabled of [true, false]) {
  test(`prompt=create leads through the sign-up page to the application, ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
    const username = javaScriptEnabled ? 'carol' : 'dave'
    const page = await on.open({ javaScriptEnabled })
    await page.goto(authorize({ prompt: 'create' }))
    await page.getByRole('heading', { name: 'Create an account' }).waitFor()
    if (javaScriptEnabled) await looksRight(page)
    await page.getByLabel('Username').fill('admin')
    await fill(page, { username: 'admin', email: `${username}@example.org` })
    assert.match(await page.getByRole('alert').innerText(), /One thing needs a change/)
    assert.equal(await page.getByLabel('Username').getAttribute('aria-invalid'), 'true')
    assert.equal(await page.getByLabel('E-mail address').inputValue(), `${username}@example.org`, 'nothing typed is lost')
    assert.equal(await page.getByLabel('Password').inputValue(), '')
    if (javaScriptEnabled) await looksRight(page)
    await fill(page, { username, email: `${username}@example.org` })
    await page.getByRole('heading', { name: 'Photo Printer wants a key to your account' }).waitFor()
    await allow(page)
    const said = await redeem(await arrived(page, on.app))
    assert.deepEqual([said.preferred_username, said.email, said.email_verified], [username, `${username}@example.org`, false])
  })
}

test('the sign-in page leads to the sign-up page and back, within the request', async () => {
  const page = await on.open()
  await page.goto(authorize())
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByRole('heading', { name: 'Create an account' }).waitFor()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.goBack()
  await fill(page, { username: 'erin' })
  await allow(page)
  assert.equal((await redeem(await arrived(page, on.app))).preferred_username, 'erin')
  // Once more, signed in: she is asked, and stays who she is.
  await page.goto(authorize({ prompt: 'create' }))
  assert.match(await page.locator('main').innerText(), /You are signed in already/)
  await looksRight(page)
  await page.getByRole('button', { name: /Go on as erin/ }).click()
  assert.equal((await redeem(await arrived(page, on.app))).preferred_username, 'erin')
})

test('what people say of themselves is changed on a page of its own, with the password for the phone number', async () => {
  const page = await on.open()
  await page.goto(`${own.issuer}/sign-up`)
  await fill(page, { username: 'frank', email: 'frank@example.org' })
  await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
  await page.getByRole('link', { name: 'More about you' }).click()
  await page.getByRole('heading', { name: 'More about you' }).waitFor()
  await looksRight(page)
  await page.getByLabel('Nickname').fill('Frankie')
  await page.getByLabel('Time zone').fill('somewhere else')
  await page.getByLabel('Phone number').fill('+31 20 555 0123')
  await page.getByRole('button', { name: 'Save' }).click()
  assert.match(await page.getByRole('alert').innerText(), /Time zone: This must be a time zone/)
  await looksRight(page)
  await page.getByLabel('Time zone').fill('Europe/Amsterdam')
  await page.getByRole('button', { name: 'Save' }).click()
  assert.match(await page.getByRole('alert').innerText(), /Enter your password/)
  await page.getByLabel('Your password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Your profile is changed.').waitFor()
  const { claims } = own.server.valetkey(['user', 'show', 'frank'])
  assert.deepEqual(claims, { nickname: 'Frankie', phone_number: '+31 20 555 0123', zoneinfo: 'Europe/Amsterdam' })
})

test('where addresses must be confirmed, the person is told so, and goes on once the operator has', async () => {
  const place = mkdtempSync(join(tmpdir(), 'valetkey-confirmed-'))
  const port = await freePort()
  const settings = { VALETKEY__ACCOUNTS__SIGN_UP: 'true', VALETKEY__ACCOUNTS__REQUIRE_VERIFIED_EMAIL: 'true' }
  const server = await serve(place, port, await freePort(), settings)
  try {
    const client = server.valetkey(['client', 'create', '--name', 'Photo Printer', '--redirect-uri', 'http://127.0.0.1/callback', '--scope', 'openid'])
    const url = new URL(on.app.authorize({ scope: 'openid', prompt: 'create' }))
    url.searchParams.set('client_id', client.client_id)
    const page = await on.open()
    await page.goto(`http://localhost:${port}${url.pathname}${url.search}`)
    await fill(page, { username: 'grace', email: 'grace@example.org' })
    await page.getByRole('heading', { name: 'Your e-mail address is not confirmed yet' }).waitFor()
    await looksRight(page)
    await page.getByRole('link', { name: 'It is confirmed now: go on' }).click()
    await page.getByRole('heading', { name: 'Your e-mail address is not confirmed yet' }).waitFor()
    server.valetkey(['user', 'update', 'grace', '--email-verified', 'true'])
    await page.getByRole('link', { name: 'It is confirmed now: go on' }).click()
    await allow(page)
    assert.ok((await arrived(page, on.app)).code)
  } finally {
    await server.stop()
    rmSync(place, { recursive: true, force: true })
  }
})
