// Making elements. Text is always text: nothing here takes markup, and the page's policy would refuse it.

/** An element: attributes by name, `on` for listeners, `class`, and children (text, elements, lists of them, or nothing). */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (name === 'on') for (const [event, act] of Object.entries(value)) made.addEventListener(event, act)
    else if (name === 'value') made.value = value
    else made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...flat(children))
  return made
}

const flat = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)

export const replace = (element, ...children) => element.replaceChildren(...flat(children))

export const button = (words, click, kind = '') => el('button', { type: 'button', class: `button ${kind}`.trim(), on: { click } }, words)

export const code = (text) => el('code', {}, text)

/** Says something to those who do not see it happen. */
export function say(words) {
  const status = document.getElementById('said')
  if (!status) return
  status.textContent = ''
  requestAnimationFrame(() => (status.textContent = words))
}

let serial = 0
export const newId = (name) => `${name}-${(serial += 1)}`

/** A field with its label, and a sentence about it. */
export function field(label, input, hint) {
  input.id ||= newId('f')
  const about = hint ? el('small', { id: `${input.id}-hint` }, hint) : null
  if (about) input.setAttribute('aria-describedby', about.id)
  return el('div', { class: 'field' }, el('label', { for: input.id }, label), input, about)
}

export const input = (attributes = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...attributes })

/** A secret that is typed: hidden, and kept by nothing but this page's memory. */
export const secretInput = (attributes = {}) => input({ type: 'password', autocomplete: 'off', ...attributes })

export function select(options, chosen, change) {
  const made = el('select', { on: { change: () => change?.(made.value) } })
  for (const { value, words, group } of options) {
    const option = el('option', { value }, words)
    if (value === chosen) option.selected = true
    const place = group ? [...made.children].find((child) => child.label === group) ?? made.appendChild(el('optgroup', { label: group })) : made
    place.append(option)
  }
  return made
}

export const note = (kind, ...children) => el('div', { class: `note ${kind}`.trim() }, ...children)

export const tag = (words, kind = '') => el('span', { class: `tag ${kind}`.trim() }, words)

/** Facts as a list of words and what they stand for. */
export const facts = (rows) => el('dl', { class: 'facts' }, rows.filter(Boolean).map(([name, ...value]) => [el('dt', {}, name), el('dd', {}, ...value)]))

/** A button that copies; where the browser does not let it, the text is selected to be copied by hand. */
export function copier(words, text) {
  const made = button(words, async () => {
    try {
      await navigator.clipboard.writeText(text())
      made.textContent = 'Copied'
      say('Copied')
    } catch {
      made.textContent = 'Not copied: select the text'
      say('This browser does not let the page copy. Select the text.')
    }
    setTimeout(() => (made.textContent = words), 2000)
  }, 'small')
  return made
}
