// The end of a token: the next one for it, or none.
import { keepTokens, state } from './data.js'
import { button, el, note } from './dom.js'
import { explained, needsSecret, secretField } from './exchange.js'
import { announce, cover, exchange } from './pane.js'
import { asClient, members, send } from './wire.js'

const panel = (title, words, ...rest) => el('section', { class: 'stack' }, el('h3', {}, title), el('p', {}, words), ...rest)

function refresh(redraw) {
  const { server, app, tokens } = state
  const shown = el('div', { class: 'stack' })
  const spent = tokens.refresh_token
  const request = () => asClient(server.endpoints.token, app, [['grant_type', 'refresh_token'], ['refresh_token', spent]])
  const run = async () => {
    const sent = request()
    const answer = await send(sent)
    const given = members(answer)
    announce(answer)
    if (answer.status !== 200) return shown.replaceChildren(exchange(sent, answer, { heading: 'h4' }), ...[explained(answer)].filter(Boolean))
    for (const name of ['access_token', 'refresh_token', 'id_token']) cover(given[name])
    keepTokens({ refresh_token: spent, ...given }, tokens.scope)
    const fresh = given.refresh_token && given.refresh_token !== spent
    shown.replaceChildren(exchange(sent, answer, { heading: 'h4' }),
      note('good', fresh ? 'There are a new access token and a new refresh token. The old refresh token still gets the same answer for a few seconds, in case this one was lost on the way; after that it counts as stolen, and everything is taken back.'
        : 'There is a new access token. The refresh token stays the same.'),
      el('div', { class: 'row wrap' }, button('Refresh once more', redraw)))
  }
  return panel('Refresh', 'The application exchanges the refresh token for a new access token. The person notices nothing.', el('div', { class: 'row wrap' }, button('Refresh', run, 'primary')), shown)
}

function revoke(kind, token) {
  const { server, app } = state
  const shown = el('div', { class: 'stack' })
  const run = async () => {
    const sent = asClient(server.endpoints.revoke, app, [['token', token()], ['token_type_hint', kind]])
    const answer = await send(sent)
    announce(answer)
    const done = answer.status === 200
    if (done) state.revoked = 'it was revoked'
    shown.replaceChildren(exchange(sent, answer, { heading: 'h4' }), ...[done ? note('good', state.grant === 'client_credentials' ? 'The token is dead, from this moment on.' : 'The whole grant is dead: the access token, the refresh token and whatever they would have become.') : explained(answer)].filter(Boolean),
      ...(done ? [isDead()] : []))
  }
  return el('div', { class: 'stack' }, el('div', { class: 'row wrap' }, button(kind === 'refresh_token' ? 'Revoke the refresh token' : 'Revoke the access token', run, 'danger')), shown)
}

/** Shows that a revoked token is refused. */
function isDead() {
  const { server, app, tokens } = state
  if (!needsSecret(app)) {
    const run = async (event) => {
      const sent = { method: 'GET', url: server.endpoints.userinfo, headers: [['Authorization', `Bearer ${tokens.access_token}`]] }
      const answer = await send(sent)
      event.target.parentElement.after(exchange(sent, answer, { heading: 'h4', title: 'With the dead token' }))
      announce(answer)
    }
    return el('div', { class: 'row wrap' }, button('See that it is dead', run))
  }
  const run = async (event) => {
    const sent = asClient(server.endpoints.introspect, app, [['token', tokens.access_token]])
    const answer = await send(sent)
    event.target.parentElement.after(exchange(sent, answer, { heading: 'h4', title: 'With the dead token' }))
    announce(answer)
  }
  return el('div', { class: 'row wrap' }, button('See that it is dead', run))
}

export function renewStep(go, redraw) {
  const { tokens } = state
  if (!tokens) return [el('p', {}, 'There is no token yet.')]
  return [
    secretField(),
    tokens.refresh_token ? refresh(redraw) : note('', state.grant === 'authorization_code' ? 'There is no refresh token: the application did not ask for offline_access, or it was not allowed.' : 'This grant gives no refresh token: ask again when the token has run out.'),
    panel('Revoke', 'An application that no longer needs its tokens gives them back. A person can do the same on the account page.',
      revoke('access_token', () => state.tokens.access_token), tokens.refresh_token && revoke('refresh_token', () => state.tokens.refresh_token)),
  ]
}
