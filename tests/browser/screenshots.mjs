// Pictures of the login and the consent page for the README, in light and dark.
import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { launch, newContext, run, issuer, signIn, valetkey } from './lib.mjs'

const folder = join(import.meta.dirname, '../../docs/images')
const LIMIT = 150_000
mkdirSync(folder, { recursive: true })

valetkey(['scope', 'create', 'photos.read', '--description', 'See your photos'])
valetkey(['scope', 'create', 'albums.write', '--description', 'Change your albums'])
const scope = 'photos.read albums.write offline_access'
run.clients.printer = valetkey(['client', 'create', '--name', 'Photo Printer', '--website', 'https://printer.example.com',
  '--redirect-uri', 'https://printer.example.com/callback', '--scope', scope])

const url = new URL(`${issuer}/oauth/authorize`)
url.search = new URLSearchParams({
  response_type: 'code', client_id: run.clients.printer.client_id, redirect_uri: 'https://printer.example.com/callback', scope, state: 'picture',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' })

const browser = await launch()
for (const colorScheme of ['light', 'dark']) {
  const context = await newContext(browser, { colorScheme, deviceScaleFactor: 1.5, viewport: { width: 620, height: 560 } })
  const page = await context.newPage()
  const take = async (name) => {
    // The card with a margin, so that a picture is no larger than what it shows.
    const height = await page.evaluate(() => document.querySelector('.stage').scrollHeight)
    await page.setViewportSize({ width: 620, height: Math.max(560, height) })
    await page.evaluate(() => document.activeElement?.blur())
    const path = join(folder, `${name}-${colorScheme}.png`)
    await page.screenshot({ path })
    const { size } = statSync(path)
    console.log(`${path} ${size} bytes`)
    assert.ok(size < LIMIT, `${path} is larger than ${LIMIT} bytes`)
  }
  // A client made a moment ago is known within a second.
  const deadline = Date.now() + 5000
  do await page.goto(url.href)
  while (!(await page.getByLabel('Password').count()) && Date.now() < deadline)
  await page.getByLabel('Username').fill(run.dev.user.username)
  await take('login')
  await signIn(page, run.dev.user)
  await page.getByRole('button', { name: /^Allow/ }).waitFor()
  await take('consent')
  await context.close()
}
await browser.close()
