// What the console's journeys share: its applications, and how a person moves on the page.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { allow, issuer, signIn, valetkey } from './lib.mjs'

export const address = `${issuer}/console`
const pictures = process.env.VALETKEY_PICTURES
if (pictures) mkdirSync(pictures, { recursive: true })

/** The applications that these journeys need, beside those of the demo. */
export function furnish() {
  const make = (id, ...words) => valetkey(['client', 'list']).some((client) => client.client_id === id) || valetkey(['client', 'create', '--id', id, '--scope', 'read write', ...words])
  make('console-implicit', '--name', 'Old Widget', '--public', '--redirect-uri', address, '--grant', 'implicit', '--compat', 'implicit')
  make('console-password', '--name', 'Old Desktop', '--grant', 'password', '--grant', 'refresh_token', '--compat', 'password')
}

/** Kept in both schemes, where VALETKEY_PICTURES names a folder. */
export async function picture(page, name) {
  if (!pictures) return
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: join(pictures, `console-${name}-${colorScheme}.png`), fullPage: true })
  }
  await page.emulateMedia({ colorScheme: null })
}

/** Opens the console with an application and a grant. */
export async function open(page, app, grant) {
  await page.goto(`${address}?${new URLSearchParams({ client: app, ...(grant && { grant }) })}`)
  await page.locator('#step').waitFor()
}

export const press = (page, name) => page.getByRole('button', { name, exact: true }).last().click()
export const step = async (page, title) => page.getByRole('heading', { name: title, level: 2 }).waitFor()
export const answer = (page) => page.getByRole('region', { name: 'Answer, as received' }).last()

export async function answered(page, status) {
  await answer(page).getByText(String(status)).first().waitFor()
  return answer(page).innerText()
}

/** Nothing that was issued stays where scripts of another time could find it. */
export async function keepsNothing(page) {
  assert.deepEqual(await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)]), [[], []])
  assert.equal(new URL(page.url()).hash, '')
  assert.doesNotMatch(page.url(), /vk_|state=|code=|token/)
  assert.doesNotMatch(await page.title(), /vk_/)
}

export async function throughSignIn(page, user) {
  await press(page, 'Go to the sign-in page')
  await signIn(page, user)
  await allow(page)
  await step(page, 'Sign in and consent')
}
