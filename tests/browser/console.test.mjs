// The console: every grant gone through as a person would, what it shows, and what never stays.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { allow, isActive, issuer, newUser, run, signIn, valetkey } from './lib.mjs'
import { hasLargeTargets, hasStructure, isGuarded, passesAxe, fitsNarrowScreens } from './look.mjs'
import { stage } from './stage.mjs'

const on = stage()
const console_ = `${issuer}/console`
const pictures = process.env.VALETKEY_PICTURES
if (pictures) mkdirSync(pictures, { recursive: true })

// Applications of these journeys, made once: their answers may come to the console.
const make = (...words) => valetkey(['client', 'create', ...words])
make('--id', 'console-implicit', '--name', 'Old Widget', '--public', '--redirect-uri', console_, '--scope', 'read write', '--grant', 'implicit', '--compat', 'implicit')
make('--id', 'console-password', '--name', 'Old Desktop', '--scope', 'read write', '--grant', 'password', '--grant', 'refresh_token', '--compat', 'password')

async function picture(page, name) {
  if (!pictures) return
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: join(pictures, `console-${name}-${colorScheme}.png`), fullPage: true })
  }
  await page.emulateMedia({ colorScheme: null })
}

/** Opens the console with an application and a grant. */
async function open(page, app, grant) {
  await page.goto(`${console_}?${new URLSearchParams({ client: app, ...(grant && { grant }) })}`)
  await page.locator('#step').waitFor()
}

const press = (page, name) => page.getByRole('button', { name, exact: true }).last().click()
const step = async (page, title) => page.getByRole('heading', { name: title, level: 2 }).waitFor()
const answer = (page) => page.getByRole('region', { name: 'Answer, as received' }).last()

async function answered(page, status) {
  await answer(page).getByText(String(status)).first().waitFor()
  return answer(page).innerText()
}

/** Nothing that was issued stays where scripts of another time could find it. */
async function keepsNothing(page) {
  assert.deepEqual(await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)]), [[], []])
  assert.equal(new URL(page.url()).hash, '')
  assert.doesNotMatch(page.url(), /vk_|state=|code=|token/)
  assert.doesNotMatch(await page.title(), /vk_/)
}

async function throughSignIn(page, user) {
  await press(page, 'Go to the sign-in page')
  await signIn(page, user)
  await allow(page)
  await step(page, 'Sign in and consent')
}

test('a code with PKCE: out, back, exchanged, looked into, used, refreshed, revoked', async () => {
  const user = newUser()
  const page = await on.open()
  await open(page, 'demo-web', 'authorization_code')
  await page.getByLabel('See your things').waitFor()
  await page.getByLabel('offline_access').or(page.locator('input[value=offline_access]')).check()
  const asked = await page.getByRole('region', { name: 'The address for the browser, as sent' }).innerText()
  assert.match(asked, /code_challenge_method=S256/)
  assert.doesNotMatch(asked, /verifier/, 'the verifier stays here')
  await picture(page, 'ask')
  await throughSignIn(page, user)
  await keepsNothing(page)
  assert.match(await page.getByRole('main').innerText(), /state is the one that this tab sent/)
  await page.goBack()
  assert.doesNotMatch(page.url(), /code=/, 'the history has no code')
  await page.goForward()
  await page.locator('#step').waitFor()

  await open(page, 'demo-web', 'authorization_code')
  await press(page, 'Go to the sign-in page')
  await step(page, 'Sign in and consent')
  await press(page, 'Exchange the code')
  await press(page, 'Send it')
  assert.match(await answered(page, 200), /"access_token"/)
  assert.doesNotMatch(await page.getByRole('main').innerText(), /vk_at_[A-Za-z0-9_-]{20}/, 'covered until asked for')
  await page.getByRole('button', { name: 'Show secrets' }).last().click()
  assert.match(await answer(page).innerText(), /vk_at_[A-Za-z0-9_-]{20}/)
  await picture(page, 'exchange')

  await press(page, 'Look into the token')
  await press(page, 'Introspect it as the application')
  await page.getByText('Active.', { exact: true }).waitFor()
  await page.getByText('Signed by this server.').waitFor()
  assert.match(await page.getByRole('main').innerText(), /Its nonce is the one that this tab sent/)
  await press(page, `Ask as ${user.username}`)
  await page.getByText('Active.', { exact: true }).waitFor()
  await press(page, 'Ask userinfo')
  assert.match(await answered(page, 200), new RegExp(`"preferred_username": "${user.username}"|"sub"`))
  await picture(page, 'look')

  await press(page, 'Call an API')
  await page.getByLabel('API', { exact: true }).selectOption('demo-api')
  assert.match(await page.getByRole('main').innerText(), /the token has it/)
  await page.getByLabel('Query').fill('limit=10')
  await press(page, 'Send it')
  assert.match(await answered(page, 200), /"path": "\/hello"/)
  await picture(page, 'call')

  await press(page, 'Refresh and revoke')
  await press(page, 'Refresh')
  await page.getByText('a new access token and a new refresh token').waitFor()
  await press(page, 'Revoke the refresh token')
  await page.getByText('The whole grant is dead').waitFor()
  await press(page, 'See that it is dead')
  assert.match(await answered(page, 200), /"active": false/)
  await picture(page, 'renew')
  await keepsNothing(page)
})

test('an implicit token leaves the address bar before the page is drawn, and works', async () => {
  const user = newUser()
  const page = await on.open()
  await open(page, 'console-implicit', 'implicit')
  assert.match(await page.getByRole('complementary').innerText(), /Legacy\. RFC 9700 advises against it: the access token travels in the address/)
  const seen = []
  page.on('framenavigated', () => seen.push(page.url()))
  await press(page, 'Go to the sign-in page')
  await signIn(page, user)
  await allow(page)
  await step(page, 'Sign in and consent')
  await keepsNothing(page)
  assert.match(await page.getByRole('main').innerText(), /out of the address bar and out of the history/)
  await picture(page, 'implicit')
  await page.getByRole('button', { name: 'Show', exact: true }).click()
  const token = /vk_at_[A-Za-z0-9_-]{20,}/.exec(await page.getByRole('main').innerText())[0]
  assert.equal(await isActive(token), true)
  await press(page, 'Look into the token')
  await press(page, `Ask as ${user.username}`)
  await page.getByText('Active.', { exact: true }).waitFor()
  await press(page, 'Call an API')
  await page.getByLabel('API', { exact: true }).selectOption('demo-api')
  await press(page, 'Send it')
  await answered(page, 200)
  await press(page, 'Revoke it')
  await press(page, 'Revoke the access token')
  await page.getByText('The whole grant is dead').waitFor()
  assert.equal(await isActive(token), false)
})

test('an answer that this tab did not ask for is thrown away, and nothing in it becomes markup', async () => {
  const page = await on.open()
  const evil = encodeURIComponent('<img src=x onerror="document.title=1"><script>document.title=2</script>')
  for (const rest of [`#access_token=vk_at_stolen&token_type=Bearer&state=${evil}&iss=${encodeURIComponent(issuer)}`, `?code=${evil}&state=x&iss=${encodeURIComponent(issuer)}`,
    `?error=${evil}&error_description=${evil}&state=x`, `#error=${evil}`]) {
    await page.goto('about:blank')
    await page.goto(console_ + rest)
    await page.getByText('An answer came, and was thrown away.').waitFor()
    assert.equal(page.url(), console_)
    assert.equal(await page.locator('main img, main script').count(), 0)
    assert.match(await page.title(), /^Console/)
    assert.doesNotMatch(await page.getByRole('main').innerText(), /stolen/)
  }
})

test('a person who says no is told so, with what an application should do', async () => {
  const user = newUser()
  const page = await on.open()
  await open(page, 'demo-spa', 'authorization_code')
  await press(page, 'Go to the sign-in page')
  await signIn(page, user)
  await page.getByRole('button', { name: 'Deny' }).click()
  await page.getByText('The answer is no.').waitFor()
  assert.match(await page.getByRole('main').innerText(), /offer another way/)
  await keepsNothing(page)
})

test('client credentials with one scope: the API takes what the token may and refuses what it may not', async () => {
  const page = await on.open()
  await open(page, 'demo-service', 'client_credentials')
  await press(page, 'Send it')
  await answered(page, 200)
  await press(page, 'Look into the token')
  await press(page, 'Introspect it as the application')
  await page.getByText('Active.', { exact: true }).waitFor()
  await press(page, 'Call an API')
  await page.getByLabel('API', { exact: true }).selectOption('demo-api')
  await press(page, 'Send it')
  await answered(page, 200)
  await page.getByLabel('Endpoint').selectOption({ label: 'POST /demo/{*rest}' })
  assert.match(await page.getByRole('main').innerText(), /✗ the token lacks it/)
  await page.getByLabel('Body, as JSON').fill('{"text": ')
  await press(page, 'Send it')
  await page.getByRole('alert').filter({ hasText: 'no JSON' }).waitFor()
  await page.getByLabel('Body, as JSON').fill('{"text": "hello"}')
  await press(page, 'Send it')
  await page.getByText('Refused: insufficient_scope.').waitFor()
  await picture(page, 'insufficient')
  await press(page, 'Revoke it')
  await press(page, 'Revoke the access token')
  await page.getByText('The token is dead').waitFor()
  await press(page, 'See that it is dead')
  assert.match(await answered(page, 200), /"active": false/)
})

test('the password grant, with the risk in words and the password in the page’s memory alone', async () => {
  const user = newUser()
  const page = await on.open()
  await open(page, 'console-password', 'password')
  assert.match(await page.getByRole('complementary').innerText(), /the application sees the person's password/)
  const { client_secret } = valetkey(['client', 'rotate-secret', 'console-password'])
  await page.getByLabel('Username').fill(user.username)
  await page.getByLabel('Password').fill(user.password)
  await page.getByLabel('Client secret').fill(client_secret)
  assert.doesNotMatch(await page.getByRole('main').innerText(), new RegExp(`${user.password}|${client_secret.replaceAll('.', '\\.')}`))
  for (let tries = 0; tries < 20; tries += 1) {
    await press(page, 'Send it')
    await answer(page).waitFor()
    if (/^200/.test(await answer(page).innerText())) break
  }
  await answered(page, 200)
  await press(page, 'Look into the token')
  await keepsNothing(page)
})

test('an application that is not listed is used by its id, and its secret is gone with the page', async () => {
  const page = await on.open()
  const { client_id, client_secret } = run.clients.service_post
  // As someone sees it to whom nothing is listed.
  await page.route('**/console/data', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), applications: [], development: false } })
  })
  await page.goto(console_)
  await page.getByLabel('Client id').fill(client_id)
  await page.getByLabel('Client id').press('Tab')
  await page.getByLabel('It proves itself').selectOption('client_secret_post')
  await page.getByLabel('Grant').selectOption('client_credentials')
  await page.getByLabel('Further scopes').fill('read')
  await page.getByLabel('Client secret').fill(client_secret)
  await press(page, 'Send it')
  await answered(page, 200)
  await keepsNothing(page)
  await page.reload()
  await page.locator('#step').waitFor()
  assert.equal(await page.evaluate((secret) => document.documentElement.outerHTML.includes(secret), client_secret), false)
})

test('the failures are sent for real, and each says what to change', async () => {
  const page = await on.open()
  await open(page, 'demo-service', 'client_credentials')
  await press(page, 'Send it')
  await answered(page, 200)
  await page.getByRole('button', { name: 'What goes wrong' }).click()
  const entry = (title) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title }) })
  for (const [title, status, words] of [
    ['A wrong client secret', 401, 'invalid_client'],
    ['A parameter sent twice', 400, 'invalid_request'],
    ['A grant that the application was not registered for', 400, /unauthorized_client|unsupported_grant_type/],
    ['A call without a token', 401, 'access token'],
    ['A call with a token that is none', 401, 'invalid_token'],
    ['A token without the scope', 403, 'insufficient_scope'],
  ]) {
    await entry(title).getByRole('button', { name: 'Send it' }).click()
    await entry(title).getByText('What to change:').waitFor()
    const text = await entry(title).innerText()
    assert.match(text, new RegExp(`\\b${status}\\b`), title)
    assert.match(text, new RegExp(words), title)
  }
  await picture(page, 'failures')
  await open(page, 'demo-spa', 'authorization_code')
  await page.getByRole('button', { name: 'What goes wrong' }).click()
  for (const [title, words] of [['A redirect URI that is not registered', /400/], ['No PKCE', /Refused: invalid_request/], ['A scope that does not exist', /Refused: invalid_scope/], ['A code that was used or ran out', /invalid_grant/]]) {
    await entry(title).getByRole('button', { name: 'Send it' }).click()
    await entry(title).getByText('What to change:').waitFor()
    assert.match(await entry(title).innerText(), words, title)
  }
})

test('a code sent twice takes back what it gave', async () => {
  const user = newUser()
  const page = await on.open()
  await open(page, 'demo-spa', 'authorization_code')
  await throughSignIn(page, user)
  await press(page, 'Exchange the code')
  await press(page, 'Send it')
  await answered(page, 200)
  await press(page, 'Try that')
  await page.getByText('took back the tokens').waitFor()
  await press(page, 'Look into the token')
  await press(page, `Ask as ${user.username}`)
  await page.getByText('Not active.').waitFor()
})

test('the keyboard is enough, and a screen reader is told where it is', async () => {
  const page = await on.open()
  await open(page, 'demo-service', 'client_credentials')
  const send = page.getByRole('button', { name: 'Send it' })
  await send.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: 'Answer: 200' }).waitFor()
  await page.getByRole('button', { name: 'Look into the token' }).last().focus()
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: 'Step 2 of 4: Look into the token' }).waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Look into the token')
  assert.equal(await page.locator('ol.steps [aria-current=step]').innerText(), 'Look into the token')
  assert.equal(await page.locator('ol.steps').getByRole('button').count(), 1, 'the step before is a way back')
})

test('the console is light and guarded', async () => {
  const page = await on.open()
  const response = await page.goto(console_, { waitUntil: 'networkidle' })
  await isGuarded(page, response, { stays: false })
  const weighs = await page.evaluate(() => ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))
    .filter(({ name }) => !name.endsWith('/data')).map(({ name, encodedBodySize }) => [name, encodedBodySize]))
  const bytes = weighs.reduce((sum, [, size]) => sum + size, 0)
  assert.ok(weighs.length >= 5 && bytes > 0 && bytes < 30_000, `${bytes} bytes: ${weighs.join(' ')}`)
  const policy = response.headers()['content-security-policy']
  for (const words of ["script-src 'self'", "connect-src 'self'", "form-action 'none'", "trusted-types 'none'"]) assert.ok(policy.includes(words), words)
})

test('without script it says so, with lines to paste', async () => {
  const page = await on.open({ javaScriptEnabled: false })
  await page.goto(console_)
  await page.getByRole('heading', { name: 'The console needs JavaScript' }).waitFor()
  assert.match(await page.getByRole('main').innerText(), /curl -u CLIENT:SECRET/)
  await fitsNarrowScreens(page)
})

// Each state of the page, looked at.
const states = {
  'the request': (page) => open(page, 'demo-web', 'authorization_code'),
  'a legacy grant': (page) => open(page, 'console-implicit', 'implicit'),
  'a password': (page) => open(page, 'console-password', 'password'),
  'an application by its id': async (page) => {
    await page.goto(console_)
    await page.getByLabel('Application', { exact: true }).selectOption({ label: 'Another, by its id …' })
    await page.getByLabel('Client id').fill('nobody')
    await page.getByLabel('Client id').press('Tab')
    await page.getByLabel('It proves itself').waitFor()
  },
  'an answer thrown away': async (page) => {
    await page.goto(`${console_}#access_token=x&state=y`)
    await page.getByText('thrown away').waitFor()
  },
  'a token, looked into': async (page) => {
    await open(page, 'demo-service', 'client_credentials')
    await press(page, 'Send it')
    await answered(page, 200)
    await press(page, 'Look into the token')
    await press(page, 'Introspect it as the application')
    await page.getByText('Active.', { exact: true }).waitFor()
  },
  'a refused call': async (page) => {
    await states['a token, looked into'](page)
    await press(page, 'Call an API')
    await page.getByLabel('API', { exact: true }).selectOption('demo-api')
    await page.getByLabel('Endpoint').selectOption({ label: 'POST /demo/{*rest}' })
    await press(page, 'Send it')
    await page.getByText('Refused: insufficient_scope.').waitFor()
  },
  'the failures': async (page) => {
    await open(page, 'demo-service', 'client_credentials')
    await page.getByRole('button', { name: 'What goes wrong' }).click()
    await page.getByRole('listitem').filter({ hasText: 'A wrong client secret' }).getByRole('button', { name: 'Send it' }).click()
    await page.getByText('What happened:').waitFor()
  },
}

for (const [name, reach] of Object.entries(states)) {
  test(`console, ${name}: accessible in light and dark, on a phone and a desktop`, async () => {
    const page = await on.open()
    await reach(page)
    await hasStructure(page)
    await passesAxe(page)
    await hasLargeTargets(page)
    await fitsNarrowScreens(page)
    await page.setViewportSize({ width: 390, height: 844 })
    await passesAxe(page)
    await picture(page, `phone-${name.replaceAll(/\W+/g, '-')}`)
  })
}
