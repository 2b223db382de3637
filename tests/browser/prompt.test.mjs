// prompt, max_age, login_hint and the ways an answer travels.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, arrived, connect, issuer, newUser, signIn } from './lib.mjs'
import { stage } from './stage.mjs'

const on = stage()

async function known(scope = 'read') {
  const user = newUser()
  const page = await on.open()
  await connect(page, on.app, user, { scope })
  return { user, page }
}

test('prompt=none without a session is login_required, and shows no page', async () => {
  const page = await on.open()
  await page.goto(on.app.authorize({ prompt: 'none' }))
  assert.equal((await arrived(page, on.app)).error, 'login_required')
})

test('prompt=none with session and consent gives a code, without the consent consent_required', async () => {
  const { page } = await known()
  await page.goto(on.app.authorize({ scope: 'read', prompt: 'none' }))
  await on.app.redeem(await arrived(page, on.app))
  await page.goto(on.app.authorize({ scope: 'read write', prompt: 'none' }))
  assert.equal((await arrived(page, on.app)).error, 'consent_required')
})

test('prompt=login asks the password again though there is a session', async () => {
  const { user, page } = await known()
  const [before] = (await page.context().cookies(issuer)).filter((cookie) => /session/.test(cookie.name))
  await page.goto(on.app.authorize({ scope: 'read', prompt: 'login' }))
  await page.getByRole('heading', { name: 'Confirm it is you' }).waitFor()
  assert.equal(await page.getByLabel('Username').inputValue(), user.username)
  await page.getByLabel('Password').fill(user.password)
  await page.getByRole('button', { name: 'Continue' }).click()
  await on.app.redeem(await arrived(page, on.app))
  const [after] = (await page.context().cookies(issuer)).filter((cookie) => /session/.test(cookie.name))
  assert.ok(before && after, 'a session cookie')
  assert.notEqual(before.value, after.value, 'the session id changes at each sign-in')
})

test('prompt=consent asks again what is remembered', async () => {
  const { page } = await known()
  await page.goto(on.app.authorize({ scope: 'read', prompt: 'consent' }))
  await allow(page)
  await on.app.redeem(await arrived(page, on.app))
})

test('prompt=select_account offers the account that is signed in, or another', async () => {
  const { user, page } = await known()
  await page.goto(on.app.authorize({ scope: 'read', prompt: 'select_account' }))
  await page.getByRole('heading', { name: 'Choose an account' }).waitFor()
  await page.getByRole('button', { name: user.username }).click()
  await on.app.redeem(await arrived(page, on.app))

  const other = newUser('other')
  await page.goto(on.app.authorize({ scope: 'read', prompt: 'select_account' }))
  await signIn(page, other)
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
  assert.match(await page.getByRole('main').innerText(), new RegExp(other.username))
})

test('max_age=0 asks the password again', async () => {
  const { page } = await known()
  await page.goto(on.app.authorize({ scope: 'read', max_age: '0' }))
  await page.getByLabel('Password').waitFor()
})

test('login_hint fills in the username', async () => {
  const page = await on.open()
  await page.goto(on.app.authorize({ login_hint: 'ada' }))
  assert.equal(await page.getByLabel('Username').inputValue(), 'ada')
  assert.equal(await page.evaluate(() => document.activeElement.name), 'password')
})

test('form_post arrives by itself with script, and by one button without', async () => {
  const { user, page } = await known()
  await page.goto(on.app.authorize({ scope: 'read', response_mode: 'form_post' }))
  const answer = await arrived(page, on.app)
  assert.equal(answer.method, 'POST')
  assert.equal(answer.iss, issuer)
  await on.app.redeem(answer)

  const plain = await on.open({ javaScriptEnabled: false })
  await plain.goto(on.app.authorize({ scope: 'read', response_mode: 'form_post' }))
  await signIn(plain, user)
  await plain.getByRole('button', { name: /^Continue to/ }).click()
  assert.equal((await arrived(plain, on.app)).method, 'POST')
  await on.app.redeem()
})

test('an authorization request may be posted, by the page of an application', async () => {
  const user = newUser()
  const page = await on.open()
  const url = new URL(on.app.authorize({ scope: 'read' }))
  await page.goto(on.app.redirect)
  await page.evaluate(([action, fields]) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action })
    for (const [name, value] of fields) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }))
    document.body.append(form)
    form.submit()
  }, [`${issuer}${url.pathname}`, [...url.searchParams]])
  await signIn(page, user)
  await allow(page)
  await on.app.redeem(await arrived(page, on.app))
})
