// One browser and one application per file, a fresh context per journey, and silence checked after each.
import assert from 'node:assert/strict'
import { after, afterEach, before } from 'node:test'
import { App, launch, newContext } from './lib.mjs'

/** Returns `open(options)`, which gives a page in a new context; `stage.app` is the application. */
export function stage() {
  const state = { contexts: [] }
  before(async () => {
    state.browser = await launch()
    state.app = await App.start()
  })
  after(async () => {
    await state.browser?.close()
    await state.app?.stop()
  })
  afterEach(async () => {
    const contexts = state.contexts.splice(0)
    const noise = contexts.flatMap((context) => context.noise)
    for (const context of contexts) await context.close()
    assert.deepEqual(noise, [], 'the console must stay silent')
  })
  state.open = async (options) => {
    const context = await newContext(state.browser, options)
    state.contexts.push(context)
    return context.newPage()
  }
  return state
}
