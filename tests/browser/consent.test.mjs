// Consent: each scope can be declined, what was said is remembered, what is new is marked, and everything needed to decide is in sight.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, arrived, asked, deny, issuer, newUser, signIn } from './lib.mjs'
import { stage } from './stage.mjs'

const on = stage()

test('one scope unticked stays out; what was given is not asked again; a new one is asked alone and marked', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read write' }))
  await signIn(page, user)
  assert.deepEqual(await asked(page), ['read', 'write'])
  await page.getByLabel('Change your things').uncheck()
  await allow(page)
  assert.equal((await on.app.redeem(await arrived(page, on.app))).scope, 'read')

  await page.goto(on.app.authorize({ scope: 'read' }))
  assert.equal((await on.app.redeem(await arrived(page, on.app))).scope ?? 'read', 'read')

  await page.goto(on.app.authorize({ scope: 'read email' }))
  await page.getByRole('heading', { name: /to do more/ }).waitFor()
  assert.deepEqual(await asked(page), ['email'], 'only what is new is asked')
  assert.match(await page.getByRole('main').innerText(), /It already can\s+See your things/)
  assert.equal(await page.locator('label', { has: page.locator('input[value=email]') }).getByText('new', { exact: true }).count(), 1)
  await page.locator('input[value=email]').check()
  await allow(page)
  const scope = (await on.app.redeem(await arrived(page, on.app))).scope ?? 'read email'
  assert.deepEqual(scope.split(' ').sort(), ['email', 'read'])

  await page.goto(on.app.authorize({ scope: 'read email' }))
  await arrived(page, on.app)
})

test('deny gives the application access_denied, its state and the issuer', async () => {
  const page = await on.open()
  const url = on.app.authorize()
  await page.goto(url)
  await signIn(page, newUser())
  await deny(page)
  const answer = await arrived(page, on.app)
  assert.equal(answer.error, 'access_denied')
  assert.equal(answer.iss, issuer)
  assert.equal(answer.state, new URL(url).searchParams.get('state'))
  assert.equal(answer.code, undefined)
})

test('who asks, for whom, where it goes and for how long are in sight; raw names are not', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read write offline_access' }))
  await signIn(page, user)
  await page.getByRole('heading', { name: 'Photo Printer wants a key to your account' }).waitFor()
  const text = await page.getByRole('main').innerText()
  for (const words of [user.username, 'an app on this device', /until you take it back/, 'See your things', 'Change your things', /30 days|month/]) {
    assert.ok(words instanceof RegExp ? words.test(text) : text.includes(words), `${words} must be in sight`)
  }
  const visible = text.split('Technical details')[0]
  assert.doesNotMatch(visible, /offline_access|app_[a-z0-9]{8}/, 'raw names stand behind "Technical details"')
  const [no, yes] = await Promise.all(['deny', 'allow'].map((value) => page.locator(`button[value=${value}]`).boundingBox()))
  assert.ok(Math.abs(no.width - yes.width) < 40 && no.height === yes.height, 'Deny weighs as much as Allow')
})

test('nothing selected is said, and nothing is lost', async () => {
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read write' }))
  await signIn(page, newUser())
  for (const box of await page.locator('input[name=scope]').all()) await box.uncheck()
  await allow(page)
  await page.getByRole('alert').waitFor()
  assert.match(await page.getByRole('alert').innerText(), /Nothing was selected/)
  await page.locator('input[value=write]').check()
  await allow(page)
  assert.equal((await on.app.redeem(await arrived(page, on.app))).scope, 'write')
})

test('a scope that was declined is asked again next time, alone', async () => {
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read write' }))
  await signIn(page, newUser())
  await page.locator('input[value=write]').uncheck()
  await allow(page)
  await arrived(page, on.app)
  await page.goto(on.app.authorize({ scope: 'read write' }))
  await page.getByRole('heading', { name: /to do more/ }).waitFor()
  assert.deepEqual(await asked(page), ['write'])
})

test('consent given to one application is not given to another', async () => {
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, newUser())
  await allow(page)
  await arrived(page, on.app)
  await page.goto(on.app.authorize({ client: 'public', scope: 'read' }))
  await page.getByRole('heading', { name: /Desk Calendar wants a key/ }).waitFor()
})

test('"Not you?" lets another person sign in', async () => {
  const [first, second] = [newUser('first'), newUser('second')]
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, first)
  await page.getByRole('link', { name: 'Not you?' }).click()
  await page.getByLabel('Username').fill(second.username)
  await page.getByLabel('Password').fill(second.password)
  await page.getByRole('button', { name: /Sign in|Continue/ }).last().click()
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
  assert.match(await page.getByRole('main').innerText(), new RegExp(second.username))
})
