// Browser mode: an application that knows nothing of OAuth, behind the gateway, in a real browser.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { issuer, newUser, signIn, valetkey } from './lib.mjs'
import { stage } from './stage.mjs'

const on = stage()
const api = `journey-${process.pid}`
const home = `${issuer}/${api}/`

/** Shows who calls, and can change something. */
const upstream = createServer((request, response) => {
  const say = (html) => {
    response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' })
    response.end(`<!doctype html><html lang="en"><title>Notes</title><link rel="icon" href="data:,">${html}`)
  }
  upstream.cookies.push(request.headers.cookie ?? '')
  if (request.method === 'POST') return say(`<h1>Saved for ${request.headers['remote-user']}</h1>`)
  say(`<h1>Notes of ${request.headers['remote-user']}</h1><p>${request.url}</p>
    <form method="post" action="save"><button>Save</button></form>
    <form method="post" action="/${api}/.valetkey/sign-out"><button>Leave</button></form>`)
})
upstream.cookies = []

before(async () => {
  await new Promise((ready) => upstream.listen(0, '127.0.0.1', ready))
  const address = `http://127.0.0.1:${upstream.address().port}`
  valetkey(['api', 'create', '--id', api, '--name', 'Notes', '--prefix', `/${api}`, '--upstream', address, '--browser'])
  // A running server acts on a change within a second.
  for (let status = 404; status === 404;) status = (await fetch(home)).status
})
after(() => {
  upstream.closeAllConnections()
  upstream.close()
})

test('a person signs in, sees the page as who they are, saves, signs out, and is asked again', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(`${home}list?sort=new`)
  assert.match(page.url(), /\/login\?i=/)
  assert.match(await page.getByRole('main').innerText(), /Notes/)
  await signIn(page, user)
  await page.getByRole('heading', { name: `Notes of ${user.id}` }).waitFor()
  assert.equal(page.url(), `${home}list?sort=new`)
  const cookies = await page.context().cookies(home)
  const own = cookies.find(({ name }) => name === `vk_api_${api}`)
  assert.deepEqual([own.path, own.httpOnly, own.sameSite], [`/${api}`, true, 'Lax'])
  assert.ok(cookies.every(({ value }) => !/vk_at_|vk_rt_|^ey/.test(value)), 'no token in the browser')
  // Session Management 1.0 §4.2: a script may see that the session changed, and nothing of it.
  assert.match(await page.evaluate(() => document.cookie), /^(vk_state=[\w-]{43})?$/)
  assert.equal(await page.evaluate(async () => (await fetch('list')).status), 200, 'its scripts have the session too')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: `Saved for ${user.id}` }).waitFor()
  assert.ok(upstream.cookies.every((line) => !line.includes('vk_')), 'our cookies stay here')
  await page.goBack()
  await page.getByRole('button', { name: 'Leave' }).click()
  await page.getByRole('heading', { name: /signed out/i }).waitFor()
  assert.equal((await page.context().request.get(`${home}list`)).status(), 401)
  await page.goto(home)
  await page.getByLabel('Password').waitFor()
})

test('who is signed in already goes straight there, and a page of another origin can change nothing', async () => {
  const user = newUser()
  const page = await on.open()
  await page.goto(`${issuer}/account`)
  await signIn(page, user)
  await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor()
  await page.goto(home)
  await page.getByRole('heading', { name: `Notes of ${user.id}` }).waitFor()
  const evil = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(`<!doctype html><html lang="en"><title>Evil</title><link rel="icon" href="data:,">
      <form method="post" action="${home}save"><button>Win a prize</button></form>`)
  })
  await new Promise((ready) => evil.listen(0, '127.0.0.1', ready))
  // Another port of this machine is the same site, so that SameSite alone would let it through.
  await page.goto(`http://${new URL(issuer).hostname}:${evil.address().port}/`)
  const answer = page.waitForResponse((response) => response.url() === `${home}save`)
  await page.getByRole('button', { name: 'Win a prize' }).click()
  assert.equal((await answer).status(), 403)
  evil.closeAllConnections()
  evil.close()
})
