// The pages below the account page: change the password, see what happened, take an app back from the list, leave for good.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, isActive, issuer, newUser, signIn, valetkey } from './lib.mjs'
import { looksRight } from './look.mjs'
import { stage } from './stage.mjs'

const on = stage()

async function account(page, user) {
  await page.goto(`${issuer}/account`)
  await signIn(page, user)
  await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
}

test('a changed password ends the other browser, keeps this one and the apps, and the old one is gone', async () => {
  const user = newUser()
  const [here, there] = [await on.open(), await on.open()]
  const token = await connect(here, on.app, user, { scope: 'read offline_access' })
  await account(there, user)
  await here.goto(`${issuer}/account`)
  await here.getByRole('link', { name: 'Change the password' }).click()
  await here.getByLabel('Your password now').fill('not the password at all')
  await here.getByLabel('New password').fill('nine wooden boats on a lake')
  await here.getByRole('button', { name: 'Change the password' }).click()
  assert.match(await here.getByRole('alert').innerText(), /still the old one[\s\S]*not your password/)
  await looksRight(here)
  await here.getByLabel('Your password now').fill(user.password)
  await here.getByLabel('New password').fill('nine wooden boats on a lake')
  await here.getByRole('button', { name: 'Change the password' }).click()
  assert.match(await here.getByRole('status').innerText(), /Your password is changed/)
  await there.reload()
  await there.getByLabel('Password').waitFor()
  assert.equal(await isActive(token.access_token), true)
  await signIn(there, user)
  await there.getByRole('alert').waitFor()
  await signIn(there, { ...user, password: 'nine wooden boats on a lake' })
  await there.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
})

test('an app found by name is taken back, its token dies, and the log says so', async () => {
  const user = newUser()
  const page = await on.open()
  const token = await connect(page, on.app, user, { scope: 'read' })
  await page.goto(`${issuer}/account/apps`)
  await looksRight(page)
  await page.getByLabel('Find an app by its name').fill('PHOTO')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByRole('button', { name: 'Take this key back from Photo Printer' }).click()
  await page.getByRole('status').waitFor()
  assert.equal(await isActive(token.access_token), false)
  await page.getByRole('link', { name: 'Security log' }).click()
  const log = await page.getByRole('main').innerText()
  assert.match(log, /You took the key of Photo Printer back\.[\s\S]*You gave Photo Printer a key\.[\s\S]*You signed in\.[\s\S]*The account was made\./)
  assert.match(log, /Chrome on Linux/)
  await looksRight(page)
})

test('name and address change; the address asks for the password', async () => {
  const user = newUser()
  const page = await on.open()
  await account(page, user)
  await page.getByRole('link', { name: 'Change name or e-mail' }).click()
  await page.getByRole('textbox', { name: /^Name/ }).fill('Ada Lovelace')
  await page.getByRole('textbox', { name: /^E-mail address/ }).fill('ada@example.org')
  await page.getByRole('button', { name: 'Save' }).click()
  assert.match(await page.getByRole('alert').innerText(), /Enter your password/)
  await looksRight(page)
  await page.getByLabel('Your password').fill(user.password)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').waitFor()
  assert.match(await page.getByRole('main').innerText(), /ada@example\.org\s*not confirmed/)
})

test('who must change the password does so and lands where the app waits', async () => {
  const user = newUser()
  valetkey(['user', 'require-password-change', user.username])
  const page = await on.open()
  await page.goto(on.app.authorize({ scope: 'read' }))
  await signIn(page, user)
  await page.getByRole('heading', { name: 'Choose a new password' }).waitFor()
  await looksRight(page)
  await page.getByLabel('New password').fill('short')
  await page.getByRole('button', { name: 'Change the password' }).click()
  await page.getByRole('alert').waitFor()
  await looksRight(page)
  await page.getByLabel('New password').fill('nine wooden boats on a lake')
  await page.getByRole('button', { name: 'Change the password' }).click()
  await page.getByRole('heading', { name: /wants a key/ }).waitFor()
})

test('an account that is deleted takes its keys along', async () => {
  const user = newUser()
  const page = await on.open()
  const token = await connect(page, on.app, user, { scope: 'read' })
  await page.goto(`${issuer}/account`)
  await page.getByRole('link', { name: 'Delete the account' }).click()
  await looksRight(page)
  await page.getByLabel('Your password').fill(user.password)
  await page.getByRole('button', { name: 'Delete my account for good' }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  assert.equal(await isActive(token.access_token), false)
  await page.goto(`${issuer}/login`)
  await signIn(page, user)
  await page.getByRole('alert').waitFor()
})
