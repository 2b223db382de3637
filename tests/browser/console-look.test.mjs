// The console in its states: weight, headers, axe in light and dark, on a phone and a desktop.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { address, answered, furnish, open, picture, press } from './console.lib.mjs'
import { fitsNarrowScreens, hasLargeTargets, hasStructure, isGuarded, passesAxe } from './look.mjs'
import { stage } from './stage.mjs'

const on = stage()
furnish()

test('the console is light and guarded', async () => {
  const page = await on.open()
  const response = await page.goto(address, { waitUntil: 'networkidle' })
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
  await page.goto(address)
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
    await page.goto(address)
    await page.getByLabel('Application', { exact: true }).selectOption({ label: 'Another, by its id …' })
    await page.getByLabel('Client id').fill('nobody')
    await page.getByLabel('Client id').press('Tab')
    await page.getByLabel('It proves itself').waitFor()
  },
  'an answer thrown away': async (page) => {
    await page.goto(`${address}#access_token=x&state=y`)
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
