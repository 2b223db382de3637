// The first start of `valetkey serve`: a one-time link makes the first account, once.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { signIn } from './lib.mjs'
import { looksRight } from './look.mjs'
import { freePort, serve } from './server.mjs'
import { stage } from './stage.mjs'

const on = stage()
const home = mkdtempSync(join(tmpdir(), 'valetkey-setup-'))
after(() => rmSync(home, { recursive: true, force: true }))

/** What the server prints, once it has; being ready and being read are two things. */
async function printed(server, pattern) {
  const deadline = Date.now() + 5000
  while (!pattern.test(server.printed)) {
    assert.ok(Date.now() < deadline, `${pattern} was not printed: ${server.printed}`)
    await new Promise((again) => setTimeout(again, 25))
  }
  return server.printed.match(pattern)[0]
}

test('the setup link makes the first account once; a second start prints none', async () => {
  const [port, management] = [await freePort(), await freePort()]
  const first = await serve(home, port, management)
  const user = { username: 'founder', password: 'a quiet harbour at dawn 1865' }
  try {
    const link = await printed(first, /http:\/\/localhost:\d+\/setup\S+/)
    const page = await on.open()
    await page.goto(link)
    await looksRight(page)

    await page.getByLabel('Username').fill(user.username)
    await page.getByLabel('Password').fill('short')
    await page.getByRole('button', { name: 'Create the account' }).click()
    await page.getByRole('alert').waitFor()
    assert.match(await page.getByRole('alert').innerText(), /the password/)
    assert.equal(await page.getByLabel('Username').inputValue(), user.username)
    await looksRight(page)

    await page.getByLabel('Password').fill(user.password)
    await page.getByRole('button', { name: 'Create the account' }).click()
    await page.getByRole('heading', { name: 'The server is set up' }).waitFor()
    await looksRight(page)

    const again = await page.goto(link)
    assert.ok(again.status() >= 400, `${again.status()}`)
    assert.equal(await page.getByLabel('Password').count(), 0)
    await looksRight(page)

    const elsewhere = await on.open()
    await elsewhere.goto(`http://localhost:${port}/account`)
    await signIn(elsewhere, user)
    await elsewhere.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
  } finally {
    assert.equal(await first.stop(), 0, 'SIGTERM ends it cleanly')
  }
  const second = await serve(home, port, management)
  assert.equal(await second.stop(), 0)
  assert.doesNotMatch(second.printed, /\/setup\S/)
})
