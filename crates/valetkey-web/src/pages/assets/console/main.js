// The console: picks up what came back, draws the steps of the grant that was chosen, and moves between them.
import { came } from './take.js'
import { askStep, notAllowed } from './ask.js'
import { callStep } from './call.js'
import { cameStep, thrownAway } from './came.js'
import { forget, foreign, keepTokens, load, named, recall, state } from './data.js'
import { button, el, note, replace, say } from './dom.js'
import { tokenStep } from './exchange.js'
import { failuresStep } from './failures.js'
import { lookStep } from './look.js'
import { cover } from './pane.js'
import { renewStep } from './renew.js'
import { choose, setup } from './setup.js'
import { own } from './wire.js'

const ASK = ['Make the request', askStep]
const CAME = ['Sign in and consent', cameStep]
const LOOK = ['Look into the token', lookStep]
const CALL = ['Call an API', callStep]
const RENEW = ['Refresh and revoke', renewStep]
const REVOKE = ['Revoke', renewStep]

const steps = () => ({
  authorization_code: [ASK, CAME, ['Exchange the code', tokenStep], LOOK, CALL, RENEW],
  implicit: [ASK, CAME, LOOK, CALL, REVOKE],
  client_credentials: [['Ask for the token', tokenStep], LOOK, CALL, REVOKE],
})[state.grant] ?? [['Ask for the token', tokenStep], LOOK, CALL, RENEW]

const root = document.getElementById('console')
let thrown = null
let failures = false
let drawn = 0

/** Draws everything; `focus` says whether the step was chosen just now, so that the reader goes there. */
async function draw(focus) {
  const { app } = state
  const all = steps()
  const before = document.activeElement?.id
  const turn = (drawn += 1)
  const [title, make] = failures ? ['What goes wrong', failuresStep] : all[Math.min(state.at, all.length - 1)]
  const heading = el('h2', { id: 'step', tabindex: '-1' }, title)
  const body = app.id ? await make(go, () => draw(true)) : [el('p', {}, 'Type the client id of an application first.')]
  // Another was begun meanwhile.
  if (turn !== drawn) return
  const hint = app.id && !failures && state.at === 0 ? notAllowed(allow) : null
  replace(root, thrown && thrownAway(thrown),
    el('div', { class: 'split' },
      el('aside', { class: 'stack', 'aria-label': 'What to go through' }, setup(() => draw(), allow),
        el('ol', { class: 'steps' }, all.map(([words], at) => step(words, at))),
        button('What goes wrong', () => { failures = true; draw(true) }, failures ? 'primary' : '')),
      el('section', { class: 'panel', 'aria-labelledby': 'step' }, heading, hint, hint && hint.querySelector('button') ? null : body)))
  if (!focus && before) document.getElementById(before)?.focus()
  if (focus) {
    heading.focus()
    say(`${failures ? '' : `Step ${state.at + 1} of ${all.length}: `}${title}`)
  }
}

function step(words, at) {
  const current = at === state.at && !failures
  const done = at < state.at || at < state.reached
  const text = done && !current ? [words, el('span', { class: 'sr' }, ', done')] : words
  const open = at <= state.reached && state.app.id
  return el('li', { class: done && !current ? 'done' : null, 'aria-current': current ? 'step' : null },
    open && !current ? el('button', { type: 'button', on: { click: () => show(at) } }, text) : el('span', {}, text))
}

function show(at) {
  failures = false
  thrown = null
  state.at = at
  state.reached = Math.max(state.reached, at)
  draw(true)
}

const go = (by) => show(Math.max(0, state.at + by))

/** Lets this page take the answers for an application of one's own. */
async function allow(answer) {
  const { server, app } = state
  const done = await own('/console/allow', { client: app.id, allow: answer, csrf: server.csrf })
  if (!done) return say('That did not work. Load the page anew and try again.')
  await load()
  choose(app.id)
  if (answer === 'no') forget()
  draw(true)
}

/** What came back, if it belongs to what this tab asked; everything else is thrown away. */
function arrive() {
  const flow = recall()
  if (!came) return
  thrown = foreign(came, flow, state.server.issuer)
  if (thrown) return
  choose(flow.client, { auth: flow.auth })
  Object.assign(state, { grant: flow.grant, flow, came, at: 1, reached: 1 })
  if (flow.verifier) cover(flow.verifier)
  if (came.params.code) {
    state.code = came.params.code
    cover(state.code)
  }
  if (came.params.access_token) {
    cover(came.params.access_token)
    keepTokens(came.params, flow.scope)
  }
}

async function begin() {
  try {
    await load()
  } catch {
    return replace(root, note('bad', 'The console cannot reach its server. Load the page anew.'))
  }
  const home = new URL(state.server.redirect_uri)
  if (home.origin !== location.origin) {
    return replace(root, note('warn', 'This server calls itself by another address, and its tokens are bound to that one. ', el('a', { href: home.href }, `Open the console at ${home.origin}`), '.'))
  }
  const wanted = new URLSearchParams(location.search)
  const [one] = state.server.applications
  const first = wanted.get('client') ?? (state.server.applications.find(({ allowed }) => allowed) ?? one)?.id ?? ''
  state.grant = wanted.get('grant')
  forget()
  choose(first, named(first) ? {} : { typed: true })
  arrive()
  await draw(Boolean(came))
}

begin()
