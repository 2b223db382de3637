// The developer portal: register, change a secret without downtime, edit the callback, hand over, delete.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { issuer, newUser, signIn } from './lib.mjs'
import { isLightAndGuarded, looksRight } from './look.mjs'
import { stage } from './stage.mjs'

const on = stage()
const shots = process.env.VALETKEY_SHOTS

/** A picture of the whole page on desktop and phone, light and dark, where VALETKEY_SHOTS names a folder. */
async function picture(page, name) {
  if (!shots) return
  mkdirSync(shots, { recursive: true })
  const before = page.viewportSize()
  for (const width of [1280, 390]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(shots, `developer-${name}-${width}-${colorScheme}.png`), fullPage: true })
    }
  }
  await page.setViewportSize(before)
  await page.emulateMedia({ colorScheme: null })
}

async function portal(options) {
  const user = newUser('dev')
  const page = await on.open(options)
  await page.goto(`${issuer}/developer`)
  await signIn(page, user)
  await page.getByRole('heading', { name: 'Your applications' }).waitFor()
  return { page, user }
}

async function register(page, { name = 'Photo Printer', kind, callbacks = on.app.redirect } = {}) {
  if (!(await page.getByLabel('Name', { exact: true }).count())) await page.goto(`${issuer}/developer/new`)
  await page.getByLabel('Name', { exact: true }).fill(name)
  if (kind) await page.getByLabel(kind).check()
  if (callbacks) await page.getByLabel('Callback addresses').fill(callbacks)
  await page.getByRole('button', { name: 'Register the application' }).click()
  await page.getByRole('heading', { name: /It is registered/ }).waitFor()
  const [id, secret] = await page.locator('.key code').allInnerTexts()
  return { id, secret, home: `${issuer}/developer/apps/${id}` }
}

const machine = (id, secret) =>
  fetch(`${issuer}/oauth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret }) })

test('register, rotate the secret, edit the callback', async () => {
  const { page } = await portal()
  await looksRight(page)
  await picture(page, 'empty')
  const { id, secret, home } = await register(page)
  assert.ok(secret.length === 43 && id.startsWith('app_'))
  await looksRight(page)
  await picture(page, 'registered')

  // Loading it again asks to send the form again: that makes no second one and shows no secret.
  page.once('dialog', (dialog) => dialog.accept())
  await page.reload()
  assert.equal(page.url(), `${home}?done=registered`)
  assert.ok(!(await page.content()).includes(secret))

  // The sample link works as it stands.
  await page.goto(home)
  await page.getByRole('link', { name: 'Open a sample link' }).click()
  await page.getByRole('heading', { name: /Photo Printer wants a key/ }).waitFor()
  await page.getByRole('button', { name: 'Deny' }).click()
  await page.getByRole('heading', { name: 'The application' }).waitFor()
  assert.equal(on.app.last.error, 'access_denied')

  await page.goto(home)
  await page.getByText('New secret', { exact: true }).click()
  await page.getByLabel('Name', { exact: false }).fill('rotation-2026-11')
  await page.getByLabel('Ends').selectOption('90')
  await page.getByRole('button', { name: 'Make it' }).click()
  await page.getByRole('heading', { name: 'Copy the new secret now' }).waitFor()
  const [, second] = await page.locator('.key code').allInnerTexts()
  assert.notEqual(second, secret)
  await picture(page, 'new-secret')
  for (const works of [secret, second]) {
    const response = await machine(id, works)
    assert.equal((await response.json()).error, 'unauthorized_client', 'the secret is right, the grant is not its own')
  }
  await page.getByRole('button', { name: 'Delete first secret' }).click()
  await page.getByRole('status').waitFor()
  assert.equal((await machine(id, secret)).status, 401)
  await page.getByRole('button', { name: 'Delete rotation-2026-11' }).click()
  await page.getByRole('heading', { name: 'Delete its last secret?' }).waitFor()
  await looksRight(page)
  await page.getByRole('link', { name: 'Keep it' }).click()

  await page.goto(home)
  assert.match(await page.getByRole('region', { name: 'Last errors' }).innerText(), /none of this application's/)
  await picture(page, 'application')
  await isLightAndGuarded(page)

  await page.getByRole('link', { name: 'Edit', exact: true }).first().click()
  await looksRight(page)
  await picture(page, 'edit')
  await page.getByLabel('Callback addresses').fill('http://printer.example.com/cb')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('alert').waitFor()
  assert.equal(await page.getByLabel('Callback addresses').inputValue(), 'http://printer.example.com/cb')
  await looksRight(page)
  await picture(page, 'edit-refused')
  await page.getByLabel('Callback addresses').fill('https://printer.example.com/cb')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').waitFor()
  assert.match(await page.getByRole('main').innerText(), /https:\/\/printer\.example\.com\/cb/)
})

test('a machine gets its token by the line that stands on its page', async () => {
  const { page } = await portal()
  const { id, secret } = await register(page, { name: 'Robot', kind: 'Machine', callbacks: '' })
  const curl = await page.locator('.tabs pre').first().innerText()
  assert.match(curl, new RegExp(`-u "${id}:\\$CLIENT_SECRET"`))
  assert.equal((await machine(id, secret)).status, 200)
  await page.getByText('Rust', { exact: true }).click()
  assert.ok(await page.getByText('exchange_client_credentials').isVisible())
  await looksRight(page)
})

test('a picture is shown here and where people are asked', async () => {
  const { page } = await portal()
  const { home } = await register(page)
  await page.goto(`${home}/edit`)
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGNkYPjPwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==', 'base64')
  await page.getByLabel('Picture file').setInputFiles({ name: 'x.svg', mimeType: 'image/png', buffer: Buffer.from('<svg/>') })
  await page.getByRole('button', { name: 'Use this picture' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Picture file').setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: png })
  await page.getByRole('button', { name: 'Use this picture' }).click()
  await page.getByRole('status').waitFor()
  assert.ok(await page.locator('img.logo').first().evaluate((image) => image.naturalWidth > 0), 'the picture is drawn')
  await page.goto(home)
  await page.getByRole('link', { name: 'Open a sample link' }).click()
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
  assert.ok(await page.locator('img.logo').first().evaluate((image) => image.naturalWidth > 0))
})

test('handed over to somebody else, and deleted by them', async () => {
  const { page } = await portal()
  const { home } = await register(page, { name: 'Sold' })
  const other = await portal()
  await page.goto(`${home}/edit`)
  await page.getByLabel('Offer it to somebody, by user name').fill(other.user.username)
  await page.getByLabel('Hand it over').check()
  await page.getByRole('button', { name: 'Offer it' }).click()
  await page.getByRole('status').waitFor()
  await picture(page, 'offered')
  await other.page.goto(`${issuer}/developer`)
  await looksRight(other.page)
  await picture(other.page, 'offer')
  await other.page.getByRole('button', { name: 'Accept Sold' }).click()
  await other.page.getByRole('heading', { name: 'Sold' }).waitFor()
  assert.equal((await page.goto(home)).status(), 404)
  await other.page.goto(`${home}/delete`)
  await looksRight(other.page)
  await picture(other.page, 'delete')
  await other.page.getByLabel(/^Type/).fill('Sold')
  await other.page.getByRole('button', { name: 'Delete it for good' }).click()
  await other.page.getByRole('status').waitFor()
  assert.equal((await other.page.goto(home)).status(), 404)
})

test('everything works without JavaScript', async () => {
  const { page } = await portal({ javaScriptEnabled: false })
  const { home } = await register(page)
  await page.goto(`${home}/edit`)
  await page.getByLabel('Description').fill('Prints.')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The changes hold now.').waitFor()
})
