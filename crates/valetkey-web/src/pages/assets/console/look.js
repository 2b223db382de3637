// What a token says: a JWT by itself, a sealed one by asking.
import { state } from './data.js'
import { button, code, el, facts, note, tag } from './dom.js'
import { secretField, needsSecret } from './exchange.js'
import { decode, verify } from './jwt.js'
import { announce, exchange, secretText } from './pane.js'
import { when, words } from './text.js'
import { asClient, members, own, send, withToken } from './wire.js'
import { CLAIMS, TIMES } from './words.js'

const now = () => Date.now() / 1000

/** Claims in words, with times as people say them. */
export function claims(said) {
  return facts(Object.entries(said).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const time = TIMES.includes(name) && Number.isFinite(value)
    const moment = time && el('span', {}, `${new Date(value * 1000).toLocaleString()} (${when(value, now())})`)
    return [code(name), name === 'scope' || Array.isArray(value) ? (Array.isArray(value) ? value.map(String) : words(text)).map((one) => [code(one), ' ']) : moment || code(text), Object.hasOwn(CLAIMS, name) && el('small', {}, time ? `${CLAIMS[name]}; ${value}` : CLAIMS[name])]
  }))
}

let keys = null

async function keySet() {
  const answer = await send({ method: 'GET', url: state.server.endpoints.jwks })
  keys = members(answer).keys ?? []
  return keys
}

/** A JWT opened on the page. */
export function jwtView(title, jwt, { nonce } = {}) {
  const verdict = el('p', { class: 'note' }, 'Looking at the signature …')
  const check = async () => {
    const fits = (set) => set.some(({ kid }) => kid === jwt.header.kid)
    const set = keys && fits(keys) ? keys : await keySet()
    const { good, words } = await verify(jwt, set)
    const ours = jwt.claims.iss === state.server.issuer
    verdict.className = `note ${good && ours ? 'good' : good === null ? 'warn' : 'bad'}`
    verdict.replaceChildren(el('strong', {}, words), !ours ? ' But its iss is another server.' : '')
    if (nonce && jwt.claims.nonce !== undefined) verdict.append(jwt.claims.nonce === nonce ? ' Its nonce is the one that this tab sent.' : ' Its nonce is NOT the one that this tab sent.')
  }
  check()
  return el('section', { class: 'stack' }, el('h3', {}, title), verdict,
    el('h4', {}, 'Header'), claims(jwt.header), el('h4', {}, 'Claims'), claims(jwt.claims))
}

/** A sealed token: nobody but the server reads it, so it is asked. */
function sealedView(token, offered) {
  const { app, server } = state
  const shown = el('div', { class: 'stack' })
  const show = (said) => [said.active === false ? note('warn', el('strong', {}, 'Not active. '), 'It ran out, was taken back, or is none of those who ask.') : note('good', el('strong', {}, 'Active.'))
    , said.active === false ? null : claims(said)].filter(Boolean)
  const asApp = async () => {
    const request = asClient(server.endpoints.introspect, app, [['token', token]])
    const answer = await send(request)
    shown.replaceChildren(exchange(request, answer, { heading: 'h4', title: 'Introspection' }), ...(answer.status === 200 ? show(members(answer)) : []))
    announce(answer)
  }
  const asPerson = async () => {
    const said = server.csrf ? await own('/console/look', { token, csrf: server.csrf }) : null
    shown.replaceChildren(...(said ? show(said) : [note('warn', 'Sign in first as the person for whom the token speaks, in another tab, and load this page anew.')]))
  }
  const choices = []
  if (needsSecret(app)) choices.push(button('Introspect it as the application', asApp, 'primary'))
  if (server.person) choices.push(button(`Ask as ${server.person}`, asPerson, needsSecret(app) ? '' : 'primary'))
  return el('section', { class: 'stack' }, el('h3', {}, offered), el('p', {}, 'It is sealed: to everybody but this server it is a random string, so it is asked what it says.'),
    needsSecret(app) && secretField(), choices.length ? el('div', { class: 'row wrap' }, choices)
      : note('warn', 'An application without a secret may not introspect, and nobody is signed in here.'), shown)
}

function userinfo(token) {
  const shown = el('div', { class: 'stack' })
  const run = async () => {
    const request = withToken({ method: 'GET', url: state.server.endpoints.userinfo }, token)
    const answer = await send(request)
    shown.replaceChildren(exchange(request, answer, { heading: 'h4', title: 'Userinfo' }))
    announce(answer)
  }
  return el('section', { class: 'stack' }, el('h3', {}, 'Who signed in'), el('p', {}, 'With the scope openid the token also opens userinfo.'), el('div', { class: 'row' }, button('Ask userinfo', run)), shown)
}

export function lookStep(go) {
  const { tokens, flow } = state
  if (!tokens) return [el('p', {}, 'There is no token yet.')]
  const jwt = decode(tokens.access_token)
  const id = tokens.id_token && decode(tokens.id_token)
  const granted = words(tokens.scope)
  return [
    facts([['Access token', secretText(tokens.access_token)],
      ['Kind', jwt ? 'JWT: an API can read and check it alone' : 'sealed: only this server can read it'],
      ['May', granted.length ? granted.map((one) => [tag(one, 'good'), ' ']) : 'nothing that has a name'],
      tokens.expires_in && ['Good', `until ${new Date((tokens.at + tokens.expires_in) * 1000).toLocaleString()} (${when(tokens.at + tokens.expires_in, now())})`],
      tokens.refresh_token && ['Refresh token', secretText(tokens.refresh_token)]]),
    jwt ? jwtView('The access token', jwt) : sealedView(tokens.access_token, 'The access token'),
    id && jwtView('The ID token', id, { nonce: flow?.nonce }),
    granted.includes('openid') && userinfo(tokens.access_token),
    el('div', { class: 'row wrap' }, button('Call an API', () => go(1), 'primary')),
  ]
}
