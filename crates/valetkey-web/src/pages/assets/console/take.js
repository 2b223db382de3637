// Takes what came back from the server out of the address bar, before anything else runs. Needs nothing and is needed
// by all: a token in an address is one that a history, an extension or a passer-by can read.
const ANSWER = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'access_token', 'token_type',
  'expires_in', 'scope', 'id_token', 'refresh_token', 'session_state', 'response']
// By any of these an address is an answer, and not a link to this page.
const MARKS = ['code', 'error', 'access_token', 'id_token', 'response']

/** What an address brought: `{part, params}`, or null where it is no answer. Repeated parameters are kept as such. */
export function read(href) {
  const url = new URL(href)
  for (const [part, text] of [['fragment', url.hash.slice(1)], ['query', url.search.slice(1)]]) {
    const params = {}
    const repeated = []
    for (const [name, value] of new URLSearchParams(text)) {
      if (!ANSWER.includes(name)) continue
      if (Object.hasOwn(params, name)) repeated.push(name)
      params[name] = value
    }
    if (MARKS.some((name) => Object.hasOwn(params, name))) return { part, params, repeated }
  }
  return null
}

/** The address without any answer in it, and without a fragment: what may stay in the bar. */
export function cleaned(href) {
  const url = new URL(href)
  for (const name of ANSWER) url.searchParams.delete(name)
  url.hash = ''
  return url.pathname + url.search
}

/** Reads the answer and replaces the history entry that held it. */
export function take(location, history) {
  const came = read(location.href)
  if (came || location.hash) history.replaceState(null, '', cleaned(location.href))
  return came
}

export const came = typeof document === 'undefined' ? null : take(location, history)
