// The stage for every journey: a browser that fails on any console error, an application that waits at its callback, users.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

export const run = JSON.parse(readFileSync(process.env.VALETKEY_FIXTURE, 'utf8'))
export const issuer = run.issuer

const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args })

/** Runs a management command; standard input for passwords. */
export function valetkey(words, input = '') {
  const out = execFileSync(run.bin, ['--data-dir', run.data_dir, '--json', ...words], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
  return out.trim() ? JSON.parse(out) : null
}

let serial = 0

/** A user of this journey alone, so that no journey sees another's consent. */
export function newUser(name = 'person') {
  serial += 1
  const username = `${name}-${process.pid}-${serial}`
  const password = `tulip-${randomBytes(8).toString('hex')}-mirror`
  const { id } = valetkey(['user', 'create', '--username', username, '--email', `${username}@example.org`, '--password-stdin'], `${password}\n`)
  return { id, username, password }
}

/** The application: its callback keeps what the browser brings. */
export class App {
  static async start() {
    const app = new App()
    app.answers = []
    app.server = createServer((request, response) => {
      const url = new URL(request.url, 'http://app')
      if (url.pathname !== '/callback') return response.writeHead(204).end()
      let body = ''
      request.on('data', (part) => (body += part))
      request.on('end', () => {
        const fields = request.method === 'POST' ? new URLSearchParams(body) : url.searchParams
        app.answers.push({ ...Object.fromEntries(fields), method: request.method })
        response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' })
        response.end('<!doctype html><html lang="en"><title>The application</title><h1>The application</h1>')
      })
    })
    await new Promise((ready) => app.server.listen(0, '127.0.0.1', ready))
    app.redirect = `http://127.0.0.1:${app.server.address().port}/callback`
    return app
  }

  stop() {
    this.server.closeAllConnections()
    return new Promise((done) => this.server.close(done))
  }

  /** The address that starts a flow; `verifiers` remembers its PKCE pair by state. */
  authorize({ client = 'photo', scope = 'read write', ...more } = {}) {
    const verifier = randomBytes(32).toString('base64url')
    const state = randomBytes(9).toString('base64url')
    this.verifiers ??= new Map()
    this.verifiers.set(state, { verifier, client })
    const url = new URL(`${issuer}/oauth/authorize`)
    const fields = {
      response_type: 'code', client_id: run.clients[client].client_id, redirect_uri: this.redirect, scope, state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256', ...more,
    }
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) url.searchParams.set(name, value)
    return url.href
  }

  get last() {
    return this.answers.at(-1)
  }

  /** Redeems the code that came with an answer. */
  async redeem(answer = this.last) {
    assert.ok(answer?.code, `no code came: ${JSON.stringify(answer)}`)
    const { verifier, client } = this.verifiers.get(answer.state)
    const { status, body } = await post('/oauth/token', client, {
      grant_type: 'authorization_code', code: answer.code, redirect_uri: this.redirect, code_verifier: verifier })
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }
}

/** A back-channel request with the client's credentials in the body. */
export async function post(path, client, fields) {
  const { client_id, client_secret = '' } = run.clients[client]
  const body = new URLSearchParams({ client_id, ...(client_secret && { client_secret }), ...fields })
  const response = await fetch(issuer + path, { method: 'POST', body })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : null }
}

export async function isActive(token) {
  return (await post('/oauth/introspect', 'observer', { token })).body.active
}

/** A context whose pages must stay silent: no console error, no exception, no request to a third party. */
export async function newContext(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  context.setDefaultTimeout(10_000)
  const noise = []
  // A page that is refused on purpose is still logged by the browser as a failed load of itself.
  const expected = (message) => /^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text())
  const watch = (page) => {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !expected(message)) noise.push(`${page.url()}: ${message.text()}`)
    })
    page.on('pageerror', (error) => noise.push(`${page.url()}: ${error}`))
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url())
      if (/^https?:$/.test(protocol) && !['localhost', '127.0.0.1'].includes(hostname)) noise.push(`a third party was asked: ${request.url()}`)
    })
    page.on('response', (response) => {
      if (response.status() >= 500) noise.push(`${response.status()} from ${response.url()}`)
    })
  }
  context.on('page', watch)
  context.noise = noise
  return context
}

/** Fills in the login page. */
export async function signIn(page, user) {
  await page.getByLabel('Username').fill(user.username)
  await page.getByLabel('Password').fill(user.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export const allow = (page) => page.getByRole('button', { name: /^Allow/ }).click()
export const deny = (page) => page.getByRole('button', { name: 'Deny' }).click()

/** Allows, and allows once more when the page is drawn anew, until the browser stands at the application's door. */
export async function allowAtLast(page, app) {
  const since = app.answers.length
  for (let press = 0; press < 2 && app.answers.length === since; press += 1) {
    const there = page.getByRole('heading', { name: 'The application' })
    await allow(page)
    await page.waitForLoadState()
    if (await there.or(page.getByRole('button', { name: /^Allow/ })).first().waitFor().then(() => there.count())) return arrived(page, app)
  }
  return arrived(page, app)
}

/** Waits until the browser stands at the application's door, and returns what it brought. */
export async function arrived(page, app) {
  await page.waitForURL((url) => url.href.startsWith(app.redirect))
  await page.getByRole('heading', { name: 'The application' }).waitFor()
  return app.last
}

/** Sign in and allow everything, to get somewhere else. */
export async function connect(page, app, user, parameters = {}) {
  await page.goto(app.authorize(parameters))
  await signIn(page, user)
  await allow(page)
  return app.redeem(await arrived(page, app))
}

/** The names of the scopes that a consent page asks for. */
export const asked = (page) => page.locator('input[type=checkbox][name=scope]').evaluateAll((boxes) => boxes.map((box) => box.value))
