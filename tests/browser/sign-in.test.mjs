// Signing in: mistakes, keyboards, tabs, the back button, a browser without script, links that went stale.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, allowAtLast, arrived, issuer, newUser, run, signIn } from './lib.mjs'
import { stage } from './stage.mjs'

const on = stage()

test('a wrong password is announced, the username is kept, and the right one goes on', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, { ...user, password: 'not the password at all' })
  const alert = page.getByRole('alert')
  await alert.waitFor()
  assert.match(await alert.innerText(), /do not match/)
  assert.match(await page.title(), /^Error/)
  assert.equal(await page.getByLabel('Username').inputValue(), user.username)
  assert.equal(await page.getByLabel('Password').inputValue(), '')
  assert.equal(await page.evaluate(() => document.activeElement.name), 'password')
  assert.equal(await page.getByLabel('Password').getAttribute('aria-invalid'), 'true')
  await page.getByLabel('Password').fill(user.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Photo Printer wants a key to your account' }).waitFor()
})

test('an unknown user is told the same as a wrong password', async () => {
  const words = []
  for (const username of [newUser().username, 'nobody-of-that-name']) {
    const page = await on.open()
    await page.goto(on.app.authorize())
    await signIn(page, { username, password: 'not the password at all' })
    words.push(await page.getByRole('alert').innerText())
  }
  assert.equal(words[0], words[1])
})

test('the whole flow works with JavaScript off', async () => {
  const user = newUser()
  const page = await on.open({ javaScriptEnabled: false })
  await page.goto(on.app.authorize({ scope: 'read write' }))
  await signIn(page, user)
  await allow(page)
  const token = await on.app.redeem(await arrived(page, on.app))
  assert.deepEqual(new Set((token.scope ?? 'read write').split(' ')), new Set(['read', 'write']))
})

test('the whole flow works with the keyboard alone', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read write' }))
  assert.equal(await page.evaluate(() => document.activeElement.name), 'username', 'the first field has the focus')
  await page.keyboard.type(user.username)
  await tabTo(page, (element) => element.name === 'password')
  await page.keyboard.type(user.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
  await tabTo(page, (element) => element.name === 'scope' && element.value === 'write')
  await page.keyboard.press('Space')
  await tabTo(page, (element) => element.name === 'decision' && element.value === 'allow')
  await page.keyboard.press('Enter')
  assert.equal((await on.app.redeem(await arrived(page, on.app))).scope, 'read')
})

/** Presses Tab until the wanted element has the focus; every stop on the way must show that it has it. */
async function tabTo(page, wanted) {
  for (let press = 0; press < 30; press += 1) {
    await page.keyboard.press('Tab')
    const there = await page.evaluate(`(${wanted})(document.activeElement)`)
    const shown = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement)
      return document.activeElement === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none'
    })
    assert.ok(shown, 'focus must be visible')
    if (there) return
  }
  assert.fail('the keyboard does not reach it')
}

test('two tabs at once do not disturb each other', async () => {
  const user = newUser()
  const one = await on.open()
  const two = await one.context().newPage()
  const [first, second] = [on.app.authorize({ scope: 'read' }), on.app.authorize({ scope: 'write' })]
  const state = (url) => new URL(url).searchParams.get('state')
  await one.goto(first)
  await two.goto(second)
  await signIn(one, user)
  await one.getByRole('heading', { name: /wants a key/ }).waitFor()
  await signIn(two, user)
  await two.getByRole('heading', { name: /wants/ }).waitFor()
  // Signing in again in the other tab changed the session, so this page may be drawn once more.
  const answer = await allowAtLast(one, on.app)
  assert.equal(answer.state, state(first))
  assert.equal((await on.app.redeem(answer)).scope ?? 'read', 'read')
  const other = await allowAtLast(two, on.app)
  assert.equal(other.state, state(second))
  // What the tab asked for, and perhaps what the person gave in the other one, but never less.
  assert.match((await on.app.redeem(other)).scope ?? 'write', /write/)
})

test('the back button after the end leads to no dead end and no second code', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, user)
  await allow(page)
  await arrived(page, on.app)
  await page.goBack()
  await page.waitForLoadState()
  if (page.url().startsWith(issuer)) {
    const again = page.getByRole('button', { name: /^Allow/ })
    if (await again.count()) await again.click()
    await page.waitForLoadState()
    assert.ok((await page.getByRole('heading', { level: 1 }).count()) === 1, 'a page that says where one is')
  }
  await page.goto(on.app.authorize({ scope: 'read' }))
  await arrived(page, on.app)
  await on.app.redeem()
})

test('the back button after signing in allows to go on', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, user)
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
  await page.goBack()
  await page.waitForLoadState()
  if (await page.getByLabel('Password').count()) await signIn(page, user)
  await allow(page)
  await on.app.redeem(await arrived(page, on.app))
})

test('an interaction of another browser is refused', async () => {
  const owner = await on.open()
  await owner.goto(on.app.authorize())
  const stranger = await on.open()
  const response = await stranger.goto(owner.url())
  assert.ok([400, 403].includes(response.status()), `${response.status()}`)
  await stranger.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(await stranger.getByLabel('Password').count(), 0, 'no password is asked for in a stranger’s flow')
  assert.ok(await stranger.locator('code').count(), 'an error page has a request id to quote')
})

test('a damaged interaction is refused with a page that says what to do', async () => {
  const page = await on.open()
  await page.goto(on.app.authorize())
  const url = new URL(page.url())
  const sealed = url.searchParams.get('i')
  assert.ok(sealed, page.url())
  url.searchParams.set('i', sealed.slice(0, -6) + (sealed.at(-6) === 'A' ? 'B' : 'A') + sealed.slice(-5))
  const response = await page.goto(url.href)
  assert.equal(response.status(), 400)
  assert.match(await page.getByRole('main').innerText(), /start again/)
})

test('a form sent from another site changes nothing', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(on.app.authorize())
  const sealed = new URL(page.url()).searchParams.get('i')
  const response = await fetch(`${issuer}/login`, {
    method: 'POST', redirect: 'manual', headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    body: new URLSearchParams({ i: sealed, username: user.username, password: user.password }) })
  assert.ok([400, 403].includes(response.status), `${response.status}`)
  assert.deepEqual(response.headers.getSetCookie().filter((cookie) => !/max-age=0/i.test(cookie)), [])
})

test('a wrong redirect URI gives a page with a request id, and leads nowhere', async () => {
  const page = await on.open()
  const response = await page.goto(on.app.authorize({ redirect_uri: 'https://evil.example/callback' }))
  assert.equal(response.status(), 400)
  assert.ok(page.url().startsWith(issuer))
  assert.match(await page.getByRole('heading', { level: 1 }).innerText(), /never named/)
  assert.equal(await page.locator('[href*=evil], [action*=evil]').count(), 0)
  const id = await page.locator('code').first().innerText()
  assert.ok(id.length >= 8, 'a request id to quote')
})

test('a user who is disabled is told what a wrong password is told', async () => {
  const user = newUser()
  const { valetkey } = await import('./lib.mjs')
  valetkey(['user', 'disable', user.id ?? user.username])
  const page = await on.open()
  await page.goto(on.app.authorize())
  await signIn(page, user)
  assert.match(await page.getByRole('alert').innerText(), /do not match/)
})

test('the demo user of `dev` signs in', async () => {
  const { username, password } = run.dev.user
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, { username, password })
  await page.getByRole('heading', { name: /wants/ }).waitFor()
})
