// A call to a registered API, from a form made of its rules.
import { filled, methods, needs, placeholders, takesBody } from './apis.js'
import { state } from './data.js'
import { button, code, el, field, input, note, select, tag } from './dom.js'
import { explained } from './exchange.js'
import { announce, exchange } from './pane.js'
import { pairs, words } from './text.js'
import { send, withToken } from './wire.js'

const FREE = { method: '*', path: '/{*rest}', scopes: '', user: false }
const rulesOf = (api) => (api.endpoints.length ? api.endpoints : [FREE])

export function callStep(go) {
  const { server } = state
  const behind = server.apis.filter(({ prefix }) => prefix)
  const next = el('div', { class: 'row wrap' }, button(state.grant === 'implicit' || !state.tokens?.refresh_token ? 'Revoke it' : 'Refresh and revoke', () => go(1), 'primary'))
  if (server.apis.length === 0) return [note('', server.person || server.development ? 'No API is registered here. An operator adds one with valetkey api create.' : 'The APIs are shown to those who are signed in. Sign in in another tab and load this page anew.'), next]
  const elsewhere = server.apis.filter(({ prefix }) => !prefix)
  const place = el('div', { class: 'stack' })
  const pick = (id) => place.replaceChildren(...apiForm(behind.find((api) => api.id === id)))
  if (behind.length) pick(behind[0].id)
  return [behind.length > 0 && field('API', select(behind.map(({ id, name, prefix }) => ({ value: id, words: `${name} (${prefix})` })), behind[0].id, pick)), place,
    elsewhere.length > 0 && note('', 'Not behind this server’s gateway, so a page of this server cannot call them: ', elsewhere.map(({ resource }, at) => [at ? ', ' : '', code(resource)])), next]
}

function apiForm(api) {
  const rules = rulesOf(api)
  const place = el('div', { class: 'stack' })
  const options = rules.flatMap((rule, at) => methods(rule).map((method) => ({ value: `${at} ${method}`, words: `${method} ${api.prefix}${rule.path}` })))
  const pick = (value) => {
    const [at, method] = value.split(' ')
    place.replaceChildren(...ruleForm(api, rules[Number(at)], method))
  }
  pick(options[0].value)
  return [field('Endpoint', select(options, options[0].value, pick)), place]
}

/** Which scopes the endpoint needs, and which of them the token has; by words, not by colour alone. */
function scopesNeeded(rule) {
  const { tokens, grant } = state
  const wanted = needs({ scopes: words(rule.scopes) }, words(tokens?.scope))
  const rows = wanted.map(({ scope, has }) => el('li', {}, code(scope), ' ', tokens ? tag(has ? '✓ the token has it' : '✗ the token lacks it', has ? 'good' : 'bad') : null))
  if (rule.user) rows.push(el('li', {}, 'a person behind the token ', tokens ? tag(grant === 'client_credentials' ? '✗ the token is the application’s own' : '✓ there is one', grant === 'client_credentials' ? 'bad' : 'good') : null))
  return el('div', {}, el('p', { class: 'lead' }, 'What it needs'), rows.length ? el('ul', { class: 'bare needs' }, rows) : el('p', { class: 'soft' }, 'Any token for this API.'))
}

function ruleForm(api, rule, method) {
  const names = placeholders(rule.path)
  const inputs = names.map(({ name, rest }) => [name, input({ value: rest ? 'hello' : '1' }), rest])
  const query = el('textarea', { rows: '2', spellcheck: 'false', placeholder: 'limit=10' })
  const body = takesBody(method) ? el('textarea', { rows: '5', spellcheck: 'false' }, method === 'DELETE' ? '' : '{\n  "text": "hello"\n}') : null
  const bad = el('p', { class: 'err', role: 'alert' })
  const without = el('input', { type: 'checkbox' })
  const shown = el('div', { class: 'stack' })
  const submit = el('button', { class: 'button primary' }, 'Send it')

  const request = () => {
    const values = Object.fromEntries(inputs.map(([name, own]) => [name, own.value]))
    const search = new URLSearchParams(pairs(query.value)).toString()
    const made = { method, url: state.server.issuer + api.prefix + filled(rule.path, values) + (search ? `?${search}` : ''), headers: [] }
    if (body?.value.trim()) Object.assign(made, { headers: [['Content-Type', 'application/json']], body: body.value })
    return withToken(made, without.checked ? null : state.tokens?.access_token)
  }
  const isJson = () => {
    if (!body?.value.trim()) return true
    try {
      JSON.parse(body.value)
      return true
    } catch (error) {
      bad.textContent = `The body is no JSON: ${error.message}`
      body.setAttribute('aria-invalid', 'true')
      return false
    }
  }
  const preview = () => {
    bad.textContent = ''
    body?.removeAttribute('aria-invalid')
    shown.replaceChildren(exchange(request(), null, { title: 'What will be sent' }))
  }
  const run = async (event) => {
    event.preventDefault()
    if (!isJson()) return body.focus()
    submit.disabled = true
    const sent = request()
    const answer = await send(sent)
    submit.disabled = false
    shown.replaceChildren(exchange(sent, answer), ...[explained(answer)].filter(Boolean))
    announce(answer)
  }
  preview()
  return [el('form', { class: 'stack', on: { submit: run, input: preview } }, scopesNeeded(rule),
    inputs.map(([name, own, rest]) => field(`{${rest ? '*' : ''}${name}}`, own, rest ? 'The rest of the path; slashes stay.' : null)),
    field('Query', query, 'One on a line, name=value.'), body && field('Body, as JSON', body), bad,
    el('label', { class: 'check' }, without, ' Without the token, to see what happens'), el('div', { class: 'row wrap' }, submit)), shown]
}
