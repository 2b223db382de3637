// Two tenants: each has its own login page, and who is signed in at one is nobody at the other.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { allow, arrived, issuer, signIn, valetkey } from './lib.mjs'
import { looksRight } from './look.mjs'
import { stage } from './stage.mjs'

const on = stage()

// A red square of 16 by 16 pixels.
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR4nGN4ymBAEmIY1TCqYfhqAAD46BUQN6HN+gAAAABJRU5ErkJggg=='

test('tenant_id picks the login page and the people, and sessions do not cross', async () => {
  const id = `eneco-${process.pid}`
  const logo = join(tmpdir(), `${id}.png`)
  writeFileSync(logo, Buffer.from(PNG, 'base64'))
  valetkey(['tenant', 'create', '--id', id, '--name', 'Eneco', '--logo', logo])
  const alice = { username: 'alice', password: 'seven blue windmills turning' }
  valetkey(['user', 'create', '--username', 'alice', '--tenant', id, '--password-stdin'], `${alice.password}\n`)
  const page = await on.open()
  // A running server hears of it within a second.
  for (let tries = 0; tries < 20; tries += 1) {
    await page.goto(`${issuer}/login?tenant_id=${id}`)
    if (await page.getByLabel('Password').count()) break
    await page.waitForTimeout(100)
  }
  await page.goto(on.app.authorize({ scope: 'read', tenant_id: id }))
  await page.getByRole('heading', { name: 'Sign in to Eneco' }).waitFor()
  assert.ok(await page.locator('img.logo').evaluate((picture) => picture.complete && picture.naturalWidth === 16), 'the logo is there')
  await looksRight(page)
  await signIn(page, alice)
  await allow(page)
  const token = await on.app.redeem(await arrived(page, on.app))
  const claims = await (await fetch(`${issuer}/oauth/userinfo`, { headers: { authorization: `Bearer ${token.access_token}` } })).status
  assert.ok(claims === 200 || claims === 403)
  await page.goto(`${issuer}/account`)
  assert.match(await page.getByRole('main').innerText(), /at Eneco/)
  await page.goto(on.app.authorize({ scope: 'read' }))
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
  await signIn(page, alice)
  await page.getByRole('alert').waitFor()
  await page.goto(on.app.authorize({ scope: 'read', tenant_id: id }))
  await arrived(page, on.app)
})
