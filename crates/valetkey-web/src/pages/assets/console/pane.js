// One HTTP exchange on the page: as it went over the wire, with what is secret covered until asked for.
import { code, copier, el, button, newId, replace, say } from './dom.js'
import { colours, curl, FORM, indented, masked } from './text.js'

export const SECRET = ['access_token', 'refresh_token', 'id_token', 'token', 'client_secret', 'password', 'code', 'code_verifier', 'subject_token']
const known = new Set()
const MOST = 4000
/** What an answer tells; the rest of its headers every answer here carries. */
const TELLING = ['allow', 'cache-control', 'content-type', 'dpop-nonce', 'link', 'location', 'retry-after', 'www-authenticate', 'x-request-id']

/** Remembers a secret, so that it is covered wherever it turns up. */
export function cover(text) {
  if (text && text.length >= 8) known.add(text)
}

/** A text with every known secret covered. */
export function hidden(text) {
  let out = text.replace(/\b(Basic|Bearer) +(?!\w+=")[^\s'"]+/g, '$1 ••••••')
  for (const name of SECRET) out = out.replace(new RegExp(`((?:^|[?&'#\\n ])${name}=)([^&'\\s]*)`, 'g'), (_, before, value) => before + (value ? masked(value) : ''))
  for (const secret of known) out = out.replaceAll(secret, masked(secret))
  return out
}

const piece = (kind, text) => (kind ? el('span', { class: kind }, text) : text)
const value = (name, text, bare) => piece(SECRET.includes(name) ? 's' : '', !bare && SECRET.includes(name) ? masked(text) : bare ? text : hidden(text))

/** `name=value` on lines of their own, as a form or a query has them. */
function parameters(text, bare) {
  return [...new URLSearchParams(text)].flatMap(([name, own], at) => [at ? '\n&' : '', piece('k', name), '=', value(name, own, bare)])
}

function json(text, bare) {
  return colours(text).map(([kind, part, name]) => {
    if (kind !== 's' || bare) return piece(kind, part)
    return piece('s', SECRET.includes(name) ? `"${masked(part.slice(1, -1))}"` : hidden(part))
  })
}

function headerLines(headers, bare) {
  return headers.flatMap(([name, text]) => ['\n', piece('h', `${name}: `), bare ? text : hidden(text)])
}

function requestText(request, { bare, exact }) {
  const url = new URL(request.url)
  const query = url.search.slice(1)
  const start = [piece('k', request.method), ' ', url.pathname]
  if (query) start.push('?', exact ? (bare ? query : hidden(`?${query}`).slice(1)) : ['\n', ...parameters(query, bare)])
  start.push('\n', piece('h', 'Host: '), url.host, ...headerLines(request.headers ?? [], bare))
  if (!request.body) return start.flat()
  const isForm = (request.headers ?? []).some(([, text]) => text === FORM)
  const body = exact ? [bare ? request.body : hidden(request.body)] : isForm ? parameters(request.body, bare) : json(indented(request.body) ?? request.body, bare)
  return [...start, '\n\n', ...body].flat()
}

function answerText(answer, { bare, exact }) {
  const kind = answer.status >= 400 ? 'b' : 's'
  const time = piece('h', `   ${answer.ms < 10 ? answer.ms.toFixed(1) : Math.round(answer.ms)} ms`)
  if (answer.at) {
    // The browser follows by itself, and lets a page see only where it arrived.
    const to = new URL(answer.at)
    return [piece('b', 'a redirect'), time, '\n', piece('h', 'to: '), to.origin + to.pathname, to.search && '?\n', ...parameters(to.search.slice(1), bare)]
  }
  const start = [piece(kind, `${answer.status} ${answer.statusText ?? ''}`.trim()), time]
  const telling = exact ? answer.headers : answer.headers.filter(([name]) => TELLING.includes(name))
  const more = answer.headers.length - telling.length
  start.push(...headerLines(telling, bare), more ? piece('h', `\n+ ${more} headers that most answers here carry: see “Exact bytes”`) : '')
  if (!answer.body) return start
  const pretty = exact ? null : indented(answer.body)
  const text = (pretty ?? answer.body).slice(0, MOST)
  const rest = (pretty ?? answer.body).length - text.length
  return [...start, '\n\n', ...(pretty ? json(text, bare) : [bare ? text : hidden(text)]), rest ? piece('h', `\n… and ${rest} characters more`) : '']
}

/** A request with the controls over how it is seen, and its answer where there is one. `address`: it is a browser's to
    open, not a terminal's. */
export function exchange(request, answer, { title = 'Request', heading = 'h3', address = false } = {}) {
  const view = { bare: false, exact: false }
  const id = newId('x')
  const sent = el('pre', { class: 'wire', tabindex: '0', role: 'region', 'aria-label': `${title}, as sent` })
  const got = answer && !answer.failed ? el('pre', { class: 'wire', tabindex: '0', role: 'region', 'aria-label': 'Answer, as received' }) : null
  const line = el('pre', { class: 'wire', tabindex: '0', role: 'region', 'aria-label': 'The same for a terminal' })
  const draw = () => {
    replace(sent, requestText(request, view))
    if (got) replace(got, answerText(answer, view))
    line.textContent = view.bare ? curl(request) : hidden(curl(request))
  }
  const toggle = (words, name) => {
    const made = button(words, () => {
      view[name] = !view[name]
      made.setAttribute('aria-pressed', String(view[name]))
      draw()
    }, 'small')
    made.setAttribute('aria-pressed', 'false')
    return made
  }
  draw()
  return el('section', { class: 'exchange', 'aria-labelledby': id },
    el('div', { class: 'row between wrap' }, el(heading, { id }, title),
      el('div', { class: 'row wrap' }, toggle('Show secrets', 'bare'), toggle('Exact bytes', 'exact'), address ? copier('Copy the address', () => request.url) : copier('Copy as curl', () => curl(request)))),
    sent,
    !address && el('details', { class: 'curl' }, el('summary', {}, 'As a line for a terminal'), line),
    answer?.failed ? el('p', { class: 'note bad' }, answer.failed) : got && [el(heading, {}, 'Answer'), got])
}

/** Says the outcome of an answer aloud. */
export const announce = (answer) => say(answer.failed ?? `Answer: ${answer.status} ${answer.statusText ?? ''}, after ${Math.round(answer.ms)} milliseconds`)

export const secretText = (text) => {
  const shown = code(masked(text))
  const toggle = button('Show', () => {
    const open = toggle.getAttribute('aria-pressed') !== 'true'
    toggle.setAttribute('aria-pressed', String(open))
    shown.textContent = open ? text : masked(text)
  }, 'small')
  toggle.setAttribute('aria-pressed', 'false')
  return [shown, ' ', toggle, ' ', copier('Copy', () => text)]
}
