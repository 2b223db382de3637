// A person with a browser that runs no script, and the fixture that tests/fixture.py made.
import { readFileSync } from 'node:fs'
import assert from 'node:assert/strict'

export const run = JSON.parse(readFileSync(process.env.VALETKEY_FIXTURE, 'utf8'))

const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const unescape = (text) =>
  text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name) => {
    if (name[0] !== '#') return entities[name] ?? whole
    return String.fromCodePoint(name[1].toLowerCase() === 'x' ? parseInt(name.slice(2), 16) : Number(name.slice(1)))
  })

function attributes(tag) {
  const found = {}
  for (const [, name, , , quoted, single, bare] of tag.matchAll(/([\w-]+)(=("([^"]*)"|'([^']*)'|([^\s>]+)))?/g)) {
    found[name.toLowerCase()] = unescape(quoted ?? single ?? bare ?? '')
  }
  return found
}

/** The forms of a page: action, the fields a browser would send, and the names that can be filled in. */
export function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, head, body]) => {
    const inputs = [...body.matchAll(/<(input|button)\b([^>]*)>/gi)].map(([, tag, rest]) => ({ tag: tag.toLowerCase(), ...attributes(rest) }))
    // This person ticks every box: what an application asks for is what these suites want it to get.
    const fields = inputs.filter((input) => input.tag === 'input' && input.name && input.type !== 'submit' && !('disabled' in input))
    return {
      action: attributes(head).action ?? '',
      names: new Set(inputs.map((input) => input.name)),
      fields: fields.map((input) => [input.name, input.value ?? (input.type === 'checkbox' ? 'on' : '')]),
    }
  })
}

/** Signs in and decides; keeps its cookies. */
export class Person {
  #cookies = new Map()
  /** Every page this person was shown, oldest first. */
  pages = []

  /** `at`: another server than the fixture's, and who this is there. */
  constructor(name, at = { issuer: run.issuer, user: run.users[name] }) {
    Object.assign(this, at.user)
    this.issuer = at.issuer
  }

  async #send(url, fields) {
    const headers = { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
    if (fields) headers.origin = this.issuer
    const response = await fetch(url, { redirect: 'manual', headers, ...(fields && { method: 'POST', body: new URLSearchParams(fields) }) })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/)
      if (/max-age=0\b/i.test(cookie) || value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }

  /** Goes to `url` and on until the browser would leave the server: a URL, or for form_post a POST Request. */
  async visit(url, decision = 'allow') {
    let response = await this.#send(url)
    for (let step = 0; step < 12; step += 1) {
      if (response.status >= 300 && response.status < 400) {
        const target = new URL(response.headers.get('location'), response.url)
        if (target.origin !== this.issuer) return target
        response = await this.#send(target)
        continue
      }
      const html = await response.text()
      this.pages.push(html)
      const found = forms(html)
      const form = found.find((each) => each.names.has('password') || each.names.has('decision')) ?? found.find((each) => /^https?:/.test(each.action))
      assert.ok(form, `a page with no way on (${response.status}): ${html.replace(/<(style|script).*?<\/\1>|<[^>]+>/gis, ' ').slice(0, 600)}`)
      const target = new URL(form.action || response.url, response.url)
      if (target.origin !== this.issuer) return new Request(target, { method: 'POST', body: new URLSearchParams(form.fields) })
      const typed = form.names.has('password') ? { username: this.username, password: this.password } : { decision }
      const fields = [...form.fields.filter(([name]) => !(name in typed)), ...Object.entries(typed)]
      response = await this.#send(target, fields)
    }
    assert.fail('too many pages')
  }
}

/** The client is known to the running server within a second. */
export async function known(ask) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask()
    } catch (refused) {
      if (refused.error !== 'invalid_client' || tries === 40) throw refused
      await new Promise((done) => setTimeout(done, 50))
    }
  }
}
