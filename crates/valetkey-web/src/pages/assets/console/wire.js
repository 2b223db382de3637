// Requests as values, sent without cookies, timed, and kept as they went.
import { FORM, formEncode, toBase64 } from './text.js'

/** A form request to an endpoint, as a client: by Basic, in the body, or by its id alone. */
export function asClient(url, app, fields, secret = app.secret) {
  const headers = [['Content-Type', FORM]]
  const all = [...fields]
  // RFC 6749 §2.3.1: both halves as a form has them.
  if (app.auth === 'client_secret' || app.auth === 'client_secret_basic') headers.push(['Authorization', `Basic ${toBase64(`${formEncode(app.id)}:${formEncode(secret ?? '')}`)}`])
  else {
    all.push(['client_id', app.id])
    if (app.auth === 'client_secret_post') all.push(['client_secret', secret ?? ''])
  }
  return { method: 'POST', url, headers, body: new URLSearchParams(all).toString() }
}

export const withToken = (request, token) =>
  token ? { ...request, headers: [...(request.headers ?? []), ['Authorization', `Bearer ${token}`]] } : request

const ENOUGH = 256 * 1024
const LONG = 10_000

/** A body as text: of one that is endless or very large, what came of it in a few seconds. */
async function beginning(response) {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const late = setTimeout(() => reader.cancel(), LONG)
  const decoder = new TextDecoder()
  let text = ''
  while (text.length < ENOUGH) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  clearTimeout(late)
  reader.cancel()
  return text
}

/** Sends a request. The answer is what the browser lets a page see: `{status, headers, body, ms, at}` or `{failed}`. */
export async function send(request, { follow = false } = {}) {
  const began = performance.now()
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers ?? [],
      body: request.body || undefined,
      credentials: 'omit',
      cache: 'no-store',
      redirect: follow ? 'follow' : 'manual',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(30_000),
    })
    const body = await beginning(response)
    const ms = performance.now() - began
    const { status, statusText, redirected, url, type } = response
    if (type === 'opaqueredirect') return { status: 'a redirect', statusText: '', headers: [], body: 'A browser does not show a page where a redirect leads. The same line in a terminal does.', ms }
    return { status, statusText, headers: [...response.headers], body, ms, at: redirected ? url : null }
  } catch {
    return { failed: 'No answer came. Is the server there, and does this page have its address?', ms: performance.now() - began }
  }
}

/** A form to one of this page's own addresses, with the person's session. The answer as an object, or null. */
export async function own(path, fields) {
  try {
    const response = await fetch(path, { method: 'POST', body: new URLSearchParams(fields), credentials: 'same-origin', redirect: 'manual' })
    return response.ok ? await response.json() : null
  } catch {
    return null
  }
}

/** The members of a JSON answer; none if it is something else. */
export function members(answer) {
  try {
    const value = JSON.parse(answer?.body ?? '')
    return value && typeof value === 'object' ? value : {}
  } catch {
    return {}
  }
}
