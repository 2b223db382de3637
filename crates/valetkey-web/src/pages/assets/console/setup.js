// Which application, and by which grant.
import { forget, named, state } from './data.js'
import { button, el, field, input, note, select } from './dom.js'
import { cover } from './pane.js'
import { grantName, GRANTS } from './words.js'

const OTHER = ' other'

/** Chooses an application of the list, or one by its id. */
export function choose(id, more = {}) {
  const listed = named(id)
  const app = listed ? { ...listed, known: Boolean(listed.secret) } : { id, name: id, auth: 'none', grants: state.server.grants.map(({ name }) => name), scope: null, typed: true, known: false, ...more }
  if (app.secret) cover(app.secret)
  state.app = app
  if (!app.grants.includes(state.grant)) state.grant = app.grants.find((name) => name !== 'refresh_token') ?? app.grants[0]
}

export const risk = (name) => state.server.grants.find((grant) => grant.name === name)?.risk ?? null

/** By these the fields are found again when the page is drawn anew. */
const withId = (id, element) => Object.assign(element, { id })

/** The fields; `changed` draws the page anew, `allow` lets the console take the application's answers or not. */
export function setup(changed, allow) {
  const { server, app } = state
  const again = () => {
    forget()
    changed()
  }
  const apps = server.applications.map(({ id, name }) => ({ value: id, words: name === id ? id : `${name} (${id})` }))
  const which = withId('pick-app', select([...apps, { value: OTHER, words: 'Another, by its id …' }], app.typed ? OTHER : app.id, (value) => {
    choose(value === OTHER ? '' : value)
    again()
  }))
  const grants = app.grants.map((name) => ({ value: name, words: risk(name) ? `${grantName(name)} (legacy)` : grantName(name) }))
  const how = withId('pick-grant', select(grants, state.grant, (value) => {
    state.grant = value
    again()
  }))
  const words = GRANTS[state.grant]?.[1]
  return [
    field('Application', which),
    app.typed && typed(again),
    grants.length > 0 && field('Grant', how, words),
    risk(state.grant) && note('warn', el('p', {}, el('strong', {}, 'Legacy. '), `RFC 9700 advises against it: ${risk(state.grant)}.`)),
    app.own && app.allowed && button('Take the console off its redirect URIs', () => allow('no'), 'small'),
    !server.person && !server.development && note('', 'Your own applications and the APIs are listed when you are ', el('a', { href: `/login?next=${encodeURIComponent(location.pathname + location.search)}` }, 'signed in'), '.'),
  ]
}

function typed(again) {
  const { app } = state
  const id = input({ id: 'pick-id', value: app.id, on: { change: () => { choose(id.value.trim(), { auth: app.auth, secret: app.secret }); again() } } })
  const how = withId('pick-auth', select([
    { value: 'none', words: 'By its id alone (public)' },
    { value: 'client_secret_basic', words: 'Secret in the header' },
    { value: 'client_secret_post', words: 'Secret in the body' },
  ], app.auth, (auth) => {
    app.auth = auth
    again()
  }))
  return [field('Client id', id), field('It proves itself', how, 'A secret is asked for where it is needed, and stays in this page’s memory.')]
}
