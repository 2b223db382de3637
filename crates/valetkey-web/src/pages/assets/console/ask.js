// The authorization request: what the application sends the browser off with.
import { keep, state } from './data.js'
import { button, el, field, input, note, select } from './dom.js'
import { cover, exchange } from './pane.js'
import { challenge, random } from './proof.js'
import { pairs, words } from './text.js'

/** Boxes for the scopes that the application may ask for. */
export function scopeBoxes(chosen, { forPerson = true } = {}) {
  const { server, app } = state
  const open = app.scope === null || app.scope === undefined ? null : words(app.scope)
  const listed = server.scopes.filter(({ name, standard }) => (open === null || open.includes(name)) && (forPerson || !standard))
  for (const name of open ?? []) if (!listed.some((one) => one.name === name)) listed.push({ name, description: '' })
  const boxes = listed.map(({ name, description }) => {
    const box = el('input', { type: 'checkbox', value: name, checked: chosen.includes(name) })
    return el('li', {}, el('label', {}, box, el('span', {}, description || name), el('code', { class: 'soft' }, name)))
  })
  const further = input({ placeholder: listed.length ? '' : 'read write', value: chosen.filter((name) => !listed.some((one) => one.name === name)).join(' ') })
  const set = el('fieldset', {}, el('legend', {}, 'What it asks for'), boxes.length > 0 && el('ul', { class: 'bare scopes' }, boxes))
  if (open === null) set.append(field('Further scopes', further, 'Separated by spaces. Nothing at all asks for the server’s default.'))
  const value = () => [...set.querySelectorAll('input[type=checkbox]:checked')].map((box) => box.value).concat(words(further.value)).join(' ')
  return { set, value }
}

export function resourceField() {
  const apis = state.server.apis
  if (apis.length === 0) return { element: null, value: () => '' }
  const made = select([{ value: '', words: 'Whatever the scopes imply' }, ...apis.map(({ resource, name }) => ({ value: resource, words: `${name} (${resource})` }))])
  return { element: field('For which API', made, 'The resource parameter of RFC 8707: the token is good there and nowhere else.'), value: () => made.value }
}

const usual = () => {
  const open = state.app.scope ? words(state.app.scope) : state.server.scopes.map(({ name }) => name)
  return open.filter((name) => !['email', 'offline_access', 'phone', 'address'].includes(name))
}

/** The step: a form, the request that it makes, and the way out to the sign-in page. */
export async function askStep() {
  const { server, app, grant } = state
  const implicit = grant === 'implicit'
  const flow = { client: app.id, auth: app.auth, grant, redirect_uri: server.redirect_uri, state: random(16), nonce: random(16), verifier: implicit ? null : random() }
  const hash = implicit ? null : await challenge(flow.verifier)
  const scopes = scopeBoxes(usual())
  const resource = resourceField()
  const further = el('textarea', { rows: '2', spellcheck: 'false', placeholder: 'prompt=login' })
  const shown = el('div')

  const request = () => {
    const scope = scopes.value()
    const fields = [['response_type', implicit ? 'token' : 'code'], ['client_id', app.id], ['redirect_uri', flow.redirect_uri]]
    if (scope) fields.push(['scope', scope])
    fields.push(['state', flow.state])
    if (!implicit) fields.push(['code_challenge', hash], ['code_challenge_method', 'S256'])
    if (words(scope).includes('openid') && !implicit) fields.push(['nonce', flow.nonce])
    if (resource.value()) fields.push(['resource', resource.value()])
    fields.push(...pairs(further.value))
    return { method: 'GET', url: `${server.endpoints.authorize}?${new URLSearchParams(fields)}` }
  }
  const draw = () => shown.replaceChildren(exchange(request(), null, { title: 'The address for the browser', address: true }))
  const leave = (event) => {
    event.preventDefault()
    keep({ ...flow, scope: scopes.value() })
    location.assign(request().url)
  }
  if (flow.verifier) cover(flow.verifier)
  draw()
  return [
    el('p', {}, 'Your application sends the person’s browser to the server with these parameters. ',
      implicit ? 'The answer comes in the fragment of the address, which this page takes out of the bar at once.'
        : 'It keeps a random verifier to itself and sends only its hash, the challenge: whoever catches the code can do nothing with it.'),
    el('form', { class: 'stack', on: { input: draw, submit: leave } },
      scopes.set, resource.element,
      el('details', {}, el('summary', {}, 'Further parameters'), field('One on a line, name=value', further, 'Such as prompt, login_hint, max_age, tenant_id.')),
      shown,
      el('div', { class: 'row wrap' }, el('button', { class: 'button primary' }, 'Go to the sign-in page'))),
    note('', 'You leave this page now and come back to it. Until then this tab remembers ', implicit ? 'state' : 'state, nonce and verifier', ', and nothing else.'),
  ]
}

/** Why this application cannot be sent off from here, with a way to change it. */
export function notAllowed(allow) {
  const { app, server } = state
  if (!['authorization_code', 'implicit'].includes(state.grant) || app.allowed !== false) return null
  const address = el('code', {}, server.redirect_uri)
  return note('warn', el('p', {}, el('strong', {}, 'This application does not send people to the console. '), 'Its redirect URIs have to hold ', address, ', exactly.'),
    app.own ? button('Allow the console for this application', () => allow('yes'), 'primary') : el('p', {}, 'Its owner can add it.'))
}
