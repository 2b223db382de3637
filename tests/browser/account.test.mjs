// The account page: take a key back, end sessions, sign out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowAtLast, arrived, connect, isActive, issuer, newUser, post, signIn } from './lib.mjs'
import { stage } from './stage.mjs'

const on = stage()

test('taking a key back kills its tokens at once, and the next request asks again', async () => {
  const user = newUser()
  const page = await on.open()
  const token = await connect(page, on.app, user, { scope: 'read offline_access' })
  assert.equal(await isActive(token.access_token), true)
  await page.goto(`${issuer}/account`)
  await page.getByRole('heading', { name: 'Photo Printer' }).waitFor()
  await page.getByRole('button', { name: 'Take this key back from Photo Printer' }).click()
  await page.getByRole('status').waitFor()
  assert.match(await page.getByRole('status').innerText(), /no longer has a key/)
  assert.equal(await page.getByRole('heading', { name: 'Photo Printer' }).count(), 0)
  assert.equal(await isActive(token.access_token), false)
  assert.equal(await isActive(token.refresh_token), false)
  const { status, body } = await post('/oauth/token', 'photo', { grant_type: 'refresh_token', refresh_token: token.refresh_token })
  assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  await page.goto(on.app.authorize({ scope: 'read' }))
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
})

test('the account page without a session asks to sign in, and comes back', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(`${issuer}/account`)
  await signIn(page, user)
  await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
  assert.match(await page.getByRole('main').innerText(), /No app has a key/)
})

test('sign out ends the session in this browser, also on the server', async () => {
  const user = newUser()
  const page = await on.open()
  await connect(page, on.app, user, { scope: 'read' })
  const stolen = (await page.context().cookies(issuer)).map(({ name, value }) => `${name}=${value}`).join('; ')
  await page.goto(`${issuer}/account`)
  await page.getByRole('button', { name: 'Sign out' }).first().click()
  await page.getByRole('heading', { name: /signed out/i }).waitFor()
  await page.goto(`${issuer}/account`)
  await page.getByLabel('Password').waitFor()
  const answer = await fetch(on.app.authorize({ scope: 'read', prompt: 'none' }), { headers: { cookie: stolen }, redirect: 'manual' })
  assert.match(answer.headers.get('location'), /error=login_required/)
})

test('"Sign out everywhere else" ends the other browser’s session and keeps this one', async () => {
  const user = newUser()
  const [here, there] = [await on.open(), await on.open()]
  await connect(here, on.app, user, { scope: 'read' })
  await there.goto(`${issuer}/account`)
  await signIn(there, user)
  await there.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
  await here.goto(`${issuer}/account`)
  await here.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await here.getByRole('status').waitFor()
  await there.reload()
  await there.getByLabel('Password').waitFor()
  await here.goto(on.app.authorize({ scope: 'read' }))
  await arrived(here, on.app)
})

test('a session of one person does not reach another person’s keys', async () => {
  const [one, two] = [newUser('one'), newUser('two')]
  const [mine, theirs] = [await on.open(), await on.open()]
  const token = await connect(theirs, on.app, two, { scope: 'read' })
  await mine.goto(`${issuer}/account`)
  await signIn(mine, one)
  await mine.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
  assert.equal(await mine.getByRole('heading', { name: 'Photo Printer' }).count(), 0)
  assert.equal(await isActive(token.access_token), true)
})

test('an account form without its token is refused', async () => {
  const user = newUser()
  const page = await on.open()
  const token = await connect(page, on.app, user, { scope: 'read' })
  await page.goto(`${issuer}/account`)
  await page.evaluate(() => document.querySelectorAll('input[name=csrf]').forEach((field) => (field.value = 'forged')))
  await page.getByRole('button', { name: /Take this key back/ }).click()
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(await isActive(token.access_token), true)
})

test('allow still works after the session was rotated in another tab', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, user)
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
  const tab = await page.context().newPage()
  await tab.goto(on.app.authorize({ scope: 'write', prompt: 'login' }))
  await tab.getByLabel('Password').fill(user.password)
  await tab.getByRole('button', { name: /Continue|Sign in/ }).click()
  await tab.getByRole('heading', { name: /wants/ }).waitFor()
  // The page was drawn for the session before: it may be shown once more, but it may not end in an error.
  await allowAtLast(page, on.app)
  await on.app.redeem(on.app.last)
})
