// What the browser brought back, and whether it belongs to what this tab asked.
import { state } from './data.js'
import { button, code, el, facts, note } from './dom.js'
import { exchange, SECRET, secretText } from './pane.js'
import { change } from './words.js'
import { span } from './text.js'

export function cameStep(go) {
  const { came, flow, server } = state
  if (!came) return [el('p', {}, 'Nothing has come back yet. Make the request first.'), button('Back', () => go(-1))]
  const { params, part } = came
  const path = new URL(server.redirect_uri)
  if (part === 'query') path.search = new URLSearchParams(params)
  const rows = Object.entries(params).map(([name, value]) => [code(name), SECRET.includes(name) ? secretText(value) : code(value), sentence(name, value)])
  const shown = [
    part === 'query' ? exchange({ method: 'GET', url: path.href }, null, { title: 'What the browser brought', address: true })
      : el('p', {}, 'It stood behind the # of the address, which browsers never send to a server. It is out of the address bar and out of the history.'),
    facts(rows.map(([name, ...value]) => [name, ...value])),
  ]
  if (params.error) {
    return [note('bad', el('p', {}, el('strong', {}, 'The answer is no. '), params.error_description ?? params.error), el('p', {}, el('strong', {}, 'What to change: '), change(400, params.error))),
      ...shown, el('div', { class: 'row wrap' }, button('Ask again', () => go(-1), 'primary'))]
  }
  return [
    el('ul', { class: 'can' }, el('li', {}, 'state is the one that this tab sent', el('small', {}, 'So the answer belongs to this request, and nobody slipped it in.')),
      el('li', {}, 'iss is the server that was asked', el('small', {}, 'RFC 9207: no other server can pass its answer off as this one’s.'))),
    ...shown,
    flow.grant === 'implicit' ? note('warn', 'There is no refresh token, and nothing proves that this token was made for your application and not for another. Use a code with PKCE wherever you can.')
      : el('p', {}, 'A code is no key yet: only the one who holds the verifier can exchange it.'),
    el('div', { class: 'row wrap' }, button(flow.grant === 'implicit' ? 'Look into the token' : 'Exchange the code', () => go(1), 'primary')),
  ]
}

function sentence(name, value) {
  const words = {
    code: 'Works once, for a minute, and only with the verifier.',
    access_token: 'The key.',
    expires_in: `Its life in seconds: ${span(Number(value) || 0)}.`,
    scope: 'What was allowed; it may be less than was asked.',
    token_type: 'How it is sent.',
    state: 'Must be what was sent.',
    iss: 'Must be the server that was asked.',
  }[name]
  return words ? el('small', {}, words) : null
}

/** An answer that was thrown away. */
export const thrownAway = (why) => note('bad', el('p', {}, el('strong', {}, 'An answer came, and was thrown away. '), why), el('p', {}, 'It is out of the address bar. Nothing was done with it. Begin anew below if it was you who began.'))
