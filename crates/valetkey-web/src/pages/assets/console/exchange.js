// The token request: a grant for tokens.
import { resourceField, scopeBoxes } from './ask.js'
import { keepTokens, state } from './data.js'
import { button, code, el, field, input, note, secretInput } from './dom.js'
import { announce, cover, exchange } from './pane.js'
import { pairs, words } from './text.js'
import { asClient, members, send } from './wire.js'
import { change } from './words.js'

export const needsSecret = (app) => app.auth !== 'none' && app.auth !== 'private_key_jwt'

/** The secret's field, where the page does not have it. */
export function secretField(changed = () => {}) {
  const { app } = state
  if (!needsSecret(app) || app.known) return null
  const made = secretInput({ value: app.secret ?? '', on: { input: () => { app.secret = made.value; cover(made.value); changed() } } })
  return field('Client secret', made, 'It stays in the memory of this page and is gone with it.')
}

/** What a refusal means and what to change; nothing for an answer that is none. */
export function explained(answer, fix) {
  if (answer.failed) return null
  const said = members(answer)
  const error = typeof said.error === 'string' ? said.error : challengeError(answer)
  const what = fix ?? change(answer.status, error)
  return what && answer.status >= 400 ? refusal(error ?? answer.status, said.error_description ?? said.detail, what) : null
}

const challengeError = (answer) => /error="([a-z_]+)"/.exec(answer.headers.find(([name]) => name === 'www-authenticate')?.[1] ?? '')?.[1] ?? null

/** The refusal, the server's own sentence, and what to do about it. */
export const refusal = (error, sentence, fix) => note('bad',
  el('p', {}, el('strong', {}, `Refused: ${error}. `), typeof sentence === 'string' ? `The server says: ${sentence.replace(/\.$/, '')}.` : ''),
  el('p', {}, el('strong', {}, 'What to change: '), fix))

/** The fields of each grant: `{elements, values()}`; `values` gives the pairs of the body. */
const FORMS = {
  authorization_code() {
    const { code: text, flow } = state
    const values = () => [['grant_type', 'authorization_code'], ['code', text], ['redirect_uri', flow.redirect_uri], ['code_verifier', flow.verifier]]
    return { elements: [el('p', {}, 'The application itself, not the browser, sends the code and the verifier. The server hashes the verifier and compares it with the challenge.')], values }
  },
  client_credentials() {
    const scopes = scopeBoxes(words(state.app.scope).slice(0, 1), { forPerson: false })
    const resource = resourceField()
    return { elements: [el('p', {}, 'The application asks in its own name.'), scopes.set, resource.element],
      values: () => [['grant_type', 'client_credentials'], ['scope', scopes.value()], ['resource', resource.value()]] }
  },
  refresh_token() {
    const token = secretInput({ on: { input: () => cover(token.value) } })
    const scope = input()
    return { elements: [field('Refresh token', token, 'One that this application was given: vk_rt_…'), field('Scope', scope, 'Fewer than before, or nothing for the same.')],
      values: () => [['grant_type', 'refresh_token'], ['refresh_token', token.value], ['scope', scope.value]] }
  },
  password() {
    const username = input({ autocomplete: 'off' })
    const password = secretInput({ on: { input: () => cover(password.value) } })
    const tenant = input()
    const scopes = scopeBoxes(words(state.app.scope).filter((name) => name !== 'offline_access').slice(0, 2))
    return { elements: [el('p', {}, 'The application asks the person for the password and hands it over.'), field('Username', username), field('Password', password, 'It stays in the memory of this page.'),
      el('details', {}, el('summary', {}, 'Another user directory'), field('tenant_id', tenant)), scopes.set],
      values: () => [['grant_type', 'password'], ['username', username.value], ['password', password.value], ['scope', scopes.value()], ['tenant_id', tenant.value]] }
  },
}

function other() {
  const text = el('textarea', { rows: '4', spellcheck: 'false' })
  return { elements: [field('Parameters', text, 'One on a line, name=value.')], values: () => [['grant_type', state.grant], ...pairs(text.value)] }
}

/** The step. `next`: what comes after it, in words. */
export function tokenStep(go) {
  const { app, server, grant } = state
  if (grant === 'authorization_code' && !state.code) return [el('p', {}, 'There is no code yet: it was exchanged already, or none has come.'), button('Ask for one', () => go(-2), 'primary')]
  if (app.auth === 'private_key_jwt') return [note('warn', 'This application proves itself with a private key, which does not belong into a browser. Use ', code('valetkey perform'), ' or its own code.')]
  const form = (FORMS[grant] ?? other)()
  const shown = el('div', { class: 'stack' })
  const submit = el('button', { class: 'button primary' }, 'Send it')
  const fields = () => form.values().filter(([name, value]) => value || name === 'grant_type')
  const request = () => asClient(server.endpoints.token, app, fields())
  const preview = () => shown.replaceChildren(exchange(request(), null, { title: 'What will be sent' }))
  const run = async (event) => {
    event.preventDefault()
    submit.disabled = true
    const sent = request()
    const answer = await send(sent)
    submit.disabled = false
    shown.replaceChildren(exchange(sent, answer), ...outcome(sent, answer, go))
    // A code is spent now: there is nothing to send again but on purpose.
    if (state.spent === sent) {
      event.target.remove()
      shown.querySelector('.primary')?.focus()
    }
    announce(answer)
  }
  preview()
  return [el('form', { class: 'stack', on: { submit: run, input: preview } }, form.elements, secretField(preview), el('div', { class: 'row wrap' }, submit)), shown]
}

function outcome(sent, answer, go) {
  const given = members(answer)
  if (answer.status !== 200 || typeof given.access_token !== 'string') return [explained(answer)].filter(Boolean)
  for (const name of ['access_token', 'refresh_token', 'id_token']) cover(given[name])
  keepTokens(given, new URLSearchParams(sent.body).get('scope') ?? '')
  const out = []
  if (state.grant === 'authorization_code') {
    state.spent = sent
    state.code = null
    out.push(again())
  }
  out.push(el('div', { class: 'row wrap' }, button('Look into the token', () => go(1), 'primary')))
  return out
}

/** The code worked once: sent again, it takes back what it gave. */
function again() {
  const shown = el('div', { class: 'stack' })
  const run = async () => {
    const answer = await send(state.spent)
    state.revoked = 'the code was sent twice'
    shown.replaceChildren(exchange(state.spent, answer, { title: 'The same once more' }), note('warn', 'A code that comes twice was stolen by somebody, so the server also took back the tokens of the first time. Ask for a new code to go on.'))
    announce(answer)
  }
  return note('', el('p', {}, 'The code worked once. Send it again and the server refuses it ', el('em', {}, 'and'), ' takes back what it gave. ', button('Try that', run, 'small')), shown)
}
