// What this tab knows. Tokens and secrets are in memory alone and end with the page; what a flow needs when the browser
// comes back is in this tab's sessionStorage from the moment it leaves until then.

const KEY = 'valetkey-console'

export const state = {
  server: null,
  app: null,
  grant: null,
  /** The step shown, and the furthest reached. */
  at: 0,
  reached: 0,
  /** What the browser brought, or why it was thrown away. */
  came: null,
  flow: null,
  code: null,
  spent: null,
  tokens: null,
  revoked: null,
}

export async function load() {
  const response = await fetch('/console/data', { credentials: 'same-origin', cache: 'no-store' })
  if (!response.ok) throw new Error(`${response.status}`)
  state.server = await response.json()
}

/** Kept until the browser comes back; never a secret of the application. */
export function keep(flow) {
  sessionStorage.setItem(KEY, JSON.stringify(flow))
}

/** What was kept, once. */
export function recall() {
  try {
    const text = sessionStorage.getItem(KEY)
    sessionStorage.removeItem(KEY)
    return text ? JSON.parse(text) : null
  } catch {
    return null
  }
}

export const named = (id) => state.server.applications.find((app) => app.id === id) ?? null

/** Whether an answer belongs to the flow of this tab: the reason why not, or null. RFC 6749 §10.12, RFC 9207 §2.4. */
export function foreign(came, flow, issuer) {
  if (!flow) return 'This tab asked for nothing. Whoever made the link may want you to use an account or a token that is not yours.'
  if (came.repeated.length > 0) return 'A parameter came twice.'
  if (came.params.state !== flow.state) return 'Its state is not the one that this tab sent: it answers another request.'
  if (came.params.iss !== issuer) return 'Its iss does not name the server that was asked.'
  if (flow.grant === 'implicit' ? came.part !== 'fragment' && !came.params.error : came.part !== 'query') return 'It came in the wrong part of the address.'
  return null
}

/** Remembers the tokens of an answer. */
export function keepTokens(given, asked = '') {
  const before = state.tokens
  state.tokens = {
    access_token: given.access_token,
    refresh_token: given.refresh_token ?? null,
    id_token: given.id_token ?? null,
    scope: given.scope ?? asked,
    expires_in: Number(given.expires_in) || null,
    at: Date.now() / 1000,
    before: before?.access_token ?? null,
  }
  state.revoked = null
}

export function forget() {
  Object.assign(state, { at: 0, reached: 0, came: null, flow: null, code: null, spent: null, tokens: null, revoked: null })
}
