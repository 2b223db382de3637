// Errors made on purpose, sent for real: what happens, and what to change.
import { filled, methods, placeholders, takesBody } from './apis.js'
import { state } from './data.js'
import { button, code, el, note } from './dom.js'
import { explained, needsSecret, refusal, secretField } from './exchange.js'
import { announce, exchange } from './pane.js'
import { challenge, random } from './proof.js'
import { words } from './text.js'
import { asClient, send, withToken } from './wire.js'

const byGrant = (name) => state.app.grants.includes(name)
const redirects = () => byGrant('authorization_code') && state.app.allowed !== false

async function authorization(change = {}) {
  const fields = { response_type: 'code', client_id: state.app.id, redirect_uri: state.server.redirect_uri, scope: words(state.app.scope)[0] ?? '', state: random(8),
    code_challenge: await challenge(random()), code_challenge_method: 'S256', ...change }
  const search = new URLSearchParams(Object.entries(fields).filter(([, value]) => value))
  return { method: 'GET', url: `${state.server.endpoints.authorize}?${search}` }
}

const token = (fields, secret) => asClient(state.server.endpoints.token, state.app, fields, secret)
const bogus = () => [['grant_type', 'authorization_code'], ['code', `vk_ac_${random(48)}`], ['redirect_uri', state.server.redirect_uri], ['code_verifier', random()]]

/** An endpoint behind the gateway, with its request; `fits` chooses the rule. */
function endpoint(fits = () => true) {
  for (const api of state.server.apis.filter(({ prefix }) => prefix)) {
    const rules = api.endpoints.length ? api.endpoints : [{ method: 'GET', path: '/', scopes: '' }]
    const rule = rules.find(fits)
    if (!rule) continue
    const method = methods(rule)[0]
    const path = filled(rule.path, Object.fromEntries(placeholders(rule.path).map(({ name }) => [name, 'hello'])))
    return { rule, request: { method, url: state.server.issuer + api.prefix + path, headers: takesBody(method) ? [['Content-Type', 'application/json']] : [], body: takesBody(method) ? '{}' : undefined } }
  }
  return null
}

const lacking = (rule) => words(rule.scopes).some((scope) => !words(state.tokens?.scope).includes(scope))

/** Each: what it is called, why it cannot be tried now (or null), what is sent, and what happened in words. */
const GALLERY = [
  ['A redirect URI that is not registered', () => (redirects() ? null : 'for applications that send people to the console'),
    () => authorization({ redirect_uri: 'https://elsewhere.example/callback' }),
    'The server shows a page and redirects nowhere: it would be handing codes to strangers.',
    'Send the redirect_uri exactly as it is registered, letter by letter, with its slash and port; or register this one.'],
  ['No PKCE', () => (redirects() ? null : 'for applications that send people to the console'),
    () => authorization({ code_challenge: '', code_challenge_method: '' }),
    'The browser is sent back to the application with error=invalid_request (the browser follows by itself, so the address where it arrived is shown).',
    'Make a random code_verifier for each request, and send its S256 hash as code_challenge.'],
  ['A scope that does not exist', () => (redirects() ? null : 'for applications that send people to the console'),
    () => authorization({ scope: 'no-such-scope' }),
    'The browser is sent back with error=invalid_scope.', 'Ask only for scopes that exist here and that the application was registered for.'],
  ['A wrong client secret', () => (needsSecret(state.app) ? null : 'for applications with a secret'),
    () => token(byGrant('client_credentials') ? [['grant_type', 'client_credentials']] : bogus(), `not-${random(12)}`),
    'Answered like an unknown client, so that nobody can try out which ids exist. After many wrong secrets the server pauses.',
    'Check the secret, and the method: Authorization header or body, as registered. A rotated secret ends after its overlap.'],
  ['A code that was used or ran out', () => (byGrant('authorization_code') ? null : 'for applications that use codes'),
    () => state.spent ?? token(bogus()),
    'A code works once, for a minute. If it was used before, the tokens it gave are dead now too.',
    'Exchange a code at once and only once; on a lost answer, begin anew.'],
  ['A parameter sent twice', () => (byGrant('client_credentials') || byGrant('authorization_code') ? null : 'for other applications'),
    () => {
      const made = token([['grant_type', byGrant('client_credentials') ? 'client_credentials' : 'authorization_code']])
      return { ...made, body: `${made.body}&grant_type=password` }
    },
    'Two readers could each see another value, so it is refused whatever the values are.', 'Send each parameter once.'],
  ['A grant that the application was not registered for', () => (byGrant('password') ? 'for applications without the password grant' : null),
    () => token([['grant_type', 'password'], ['username', 'somebody'], ['password', 'x']]),
    'The server has the grant, or has not, but this application may not use it.', 'Register the application for the grants it uses, and no others.'],
  ['A call without a token', () => (endpoint() ? null : 'with an API behind the gateway'), () => endpoint().request,
    'The answer names the scheme, and where the API describes itself (RFC 9728).', 'Send the header Authorization: Bearer and the access token.'],
  ['A call with a token that is none', () => (endpoint() ? null : 'with an API behind the gateway'), () => withToken(endpoint().request, `vk_at_${random(60)}`),
    'What was not sealed by this server cannot be opened.', 'Get a new token. Send it whole: some libraries and shells cut long lines.'],
  ['A token without the scope', () => (!state.tokens ? 'once you have a token: go through a grant with one scope only' : endpoint(lacking) ? null : 'with a token that lacks a scope: go through the grant with fewer'),
    () => withToken(endpoint(lacking).request, state.tokens.access_token),
    'The token is good, and may do other things. The answer names the scopes that are missing.', 'Ask for the scope in the authorization request; the person sees it on the consent page.'],
]

/** What the answer means; after a redirect its error stands in the address. */
function meaning(answer, fix) {
  const params = answer.at && new URL(answer.at).searchParams
  if (params?.get('error')) return refusal(params.get('error'), params.get('error_description'), fix)
  return explained(answer, fix) ?? note('', el('p', {}, el('strong', {}, 'What to change: '), fix))
}

function entry([title, hindered, make, happened, fix]) {
  const why = hindered()
  const shown = el('div', { class: 'stack' })
  const run = async () => {
    const request = await make()
    const follow = request.url.startsWith(state.server.endpoints.authorize)
    const answer = await send(request, { follow })
    const answered = meaning(answer, fix)
    answered.prepend(el('p', {}, el('strong', {}, 'What happened: '), happened))
    shown.replaceChildren(exchange(request, answer, { heading: 'h4' }), answered)
    announce(answer)
  }
  return el('li', {}, el('div', { class: 'row between wrap' }, el('h3', {}, title),
    why ? el('span', { class: 'soft' }, `Can be tried ${why}.`) : button('Send it', run)), shown)
}

export function failuresStep() {
  return [el('p', {}, 'Each of these is sent for real, as ', code(state.app.id), '. Nothing breaks but what is meant to.'), secretField(),
    el('ul', { class: 'bare gallery' }, GALLERY.map(entry))]
}
