// Text in and out of forms: base64url, JSON in colour, curl lines, spans of time. Pure: nothing here touches the page.
const decoder = new TextDecoder('utf-8', { fatal: true })

export const toBase64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')

export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error('not base64url')
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
}

export const fromUtf8 = (bytes) => decoder.decode(bytes)

/** Base64 of UTF-8, for Basic. */
export const toBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** One component, as a form has it (a space becomes +). */
export const formEncode = (text) => new URLSearchParams([['', text]]).toString().slice(1)

/** What a shell reads back as exactly this text. */
export const shellQuote = (text) => (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** The request as a line for a terminal. */
export function curl({ method, url, headers = [], body }) {
  const parts = ['curl -i']
  if (method !== 'GET' && !(method === 'POST' && body)) parts[0] += ` -X ${method}`
  for (const [name, value] of headers) {
    // curl says this by itself for -d.
    if (body && value === FORM) continue
    parts.push(`-H ${shellQuote(`${name}: ${value}`)}`)
  }
  if (body && headers.some(([, value]) => value === FORM)) for (const pair of body.split('&')) parts.push(`-d ${shellQuote(pair)}`)
  else if (body) parts.push(`--data-raw ${shellQuote(body)}`)
  parts.push(shellQuote(url))
  return parts.join(' \\\n  ')
}

export const FORM = 'application/x-www-form-urlencoded'

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g

/** JSON text as `[kind, text, name]`: kinds are `k` (a member's name), `s` (a string), `n` (the rest of the values) and ''. */
export function colours(text) {
  const out = []
  let at = 0
  let name = ''
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) out.push(['', text.slice(at, match.index)])
    const [whole, string, colon] = match
    if (string && colon) {
      name = string.slice(1, -1)
      out.push(['k', string], ['', colon])
    } else {
      out.push([string ? 's' : 'n', whole, name])
    }
    at = match.index + whole.length
  }
  if (at < text.length) out.push(['', text.slice(at)])
  return out
}

/** JSON on lines of its own; null if it is no JSON. */
export function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return null
  }
}

const UNITS = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']]

/** Seconds as words: "2 minutes", "1 day". */
export function span(seconds) {
  const size = Math.abs(Math.round(seconds))
  const [unit, name] = UNITS.find(([unit]) => size >= unit) ?? UNITS.at(-1)
  const count = Math.round(size / unit)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** A moment seen from another, both in seconds: "in 10 minutes", "3 hours ago". */
export function when(at, now) {
  return Math.abs(at - now) < 1 ? 'now' : at > now ? `in ${span(at - now)}` : `${span(now - at)} ago`
}

/** A secret as it may stand on a screen: its kind, never enough to use it. */
export function masked(text) {
  const kind = /^(vk_[a-z]+_|eyJ)/.exec(text)?.[0] ?? ''
  const shown = kind && text.length > 24 ? text.slice(0, kind.length + 3) : ''
  return `${shown}••••••`
}

/** Lines `name=value` as pairs; a line without = is a name alone. */
export function pairs(text) {
  const lines = text.split(/[\n&]/).map((line) => line.trim()).filter(Boolean)
  return lines.map((line) => {
    const at = line.indexOf('=')
    return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
  })
}

export const words = (scope) => (scope ?? '').split(' ').filter(Boolean)
