// Every page in its states, looked at by axe in light and dark, on narrow screens, with long words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, arrived, connect, issuer, newUser, run, signIn, valetkey } from './lib.mjs'
import { isLightAndGuarded, looksRight } from './look.mjs'
import { stage } from './stage.mjs'

const on = stage()

// Each leads a fresh page to one state.
const states = {
  'login': async (page) => page.goto(on.app.authorize()),
  'login after a wrong password': async (page) => {
    await page.goto(on.app.authorize())
    await signIn(page, { ...newUser(), password: 'not the password at all' })
    await page.getByRole('alert').waitFor()
  },
  'login with nothing filled in': async (page) => {
    await page.goto(on.app.authorize())
    await page.locator('form').last().evaluate((form) => (form.noValidate = true))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
  },
  'login again': async (page) => {
    await connect(page, on.app, newUser(), { scope: 'read' })
    await page.goto(on.app.authorize({ prompt: 'login' }))
  },
  'account chooser': async (page) => {
    await connect(page, on.app, newUser(), { scope: 'read' })
    await page.goto(on.app.authorize({ prompt: 'select_account' }))
  },
  'consent': async (page) => {
    await page.goto(on.app.authorize({ scope: 'openid profile email read write offline_access' }))
    await signIn(page, newUser())
    await page.getByRole('button', { name: /^Allow/ }).waitFor()
  },
  'consent with more': async (page) => {
    await connect(page, on.app, newUser(), { scope: 'read' })
    await page.goto(on.app.authorize({ scope: 'read write' }))
    await page.getByRole('heading', { name: /to do more/ }).waitFor()
  },
  'consent with nothing selected': async (page) => {
    await page.goto(on.app.authorize({ scope: 'read write' }))
    await signIn(page, newUser())
    for (const box of await page.locator('input[name=scope]').all()) await box.uncheck()
    await allow(page)
    await page.getByRole('alert').waitFor()
  },
  'error: wrong redirect URI': async (page) => page.goto(on.app.authorize({ redirect_uri: 'https://evil.example/' })),
  'error: unknown client': async (page) => page.goto(on.app.authorize().replace(/client_id=[^&]*/, 'client_id=nobody')),
  'error: no such page': async (page) => page.goto(`${issuer}/no-such-page`),
  'error: broken interaction': async (page) => page.goto(`${issuer}/login?i=broken`),
  'account with nothing': async (page) => {
    await page.goto(`${issuer}/account`)
    await signIn(page, newUser())
    await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
  },
  'account with an app': async (page) => {
    await connect(page, on.app, newUser(), { scope: 'read write' })
    await page.goto(`${issuer}/account`)
    await page.getByRole('heading', { name: 'Photo Printer' }).waitFor()
  },
  'signed out': async (page) => {
    await connect(page, on.app, newUser(), { scope: 'read' })
    await page.goto(`${issuer}/account`)
    await page.getByRole('button', { name: 'Sign out' }).first().click()
    await page.getByRole('heading', { name: /signed out/i }).waitFor()
  },
  'home': async (page) => page.goto(`${issuer}/`),
  'plain login': async (page) => page.goto(`${issuer}/login`),
  'development callback': async (page) => page.goto(`${issuer}/dev/callback?code=vk_ac_not-a-real-code&state=xyz`),
}

for (const [name, reach] of Object.entries(states)) {
  test(`${name} is accessible in light and dark and fits 320 px`, async () => {
    const page = await on.open()
    await reach(page)
    await looksRight(page)
  })
}

for (const name of ['login', 'consent', 'account with an app', 'home', 'error: wrong redirect URI']) {
  test(`${name} is light and guarded`, async () => {
    const page = await on.open()
    await states[name](page)
    // A form that may end at an app has no `form-action`: browsers apply it to every hop of the redirect.
    await isLightAndGuarded(page, { stays: !['login', 'consent'].includes(name) })
  })
}

test('form_post without script is accessible', async () => {
  const user = newUser()
  const page = await on.open()
  // The page posts itself at once; without its script it stands still to be looked at.
  await page.route(/submit.*\.js/, (route) => route.fulfill({ contentType: 'text/javascript', body: '' }))
  await page.goto(on.app.authorize({ scope: 'read', response_mode: 'form_post' }))
  await signIn(page, user)
  await allow(page)
  await page.getByRole('button', { name: /^Continue to/ }).waitFor()
  await looksRight(page)
})

test('long names, long words and right-to-left text stay inside', async () => {
  const long = 'Donaudampfschifffahrtsgesellschaftskapitänskajüte'.repeat(2)
  const name = `${long} \u05e9\u05dc\u05d5\u05dd <b>"&`
  const made = valetkey(['client', 'create', '--name', name, '--scope', 'read', '--redirect-uri', 'http://127.0.0.1/callback'])
  run.clients.long = made
  const page = await on.open()
  await page.goto(on.app.authorize({ client: 'long', scope: 'read' }))
  for (let tries = 0; tries < 20 && !(await page.getByLabel('Password').count()); tries += 1) await page.goto(on.app.authorize({ client: 'long', scope: 'read' }))
  await looksRight(page)
  await signIn(page, newUser('a'.repeat(60)))
  await page.getByRole('button', { name: /^Allow/ }).waitFor()
  assert.match(await page.getByRole('main').innerText(), /<b>"&/, 'a name is text, never markup')
  await looksRight(page)
  await allow(page)
  await arrived(page, on.app)
})
