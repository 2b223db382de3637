// What every page must pass, whatever it says: axe in light and dark, 320 px, weight, targets, headers.
import assert from 'node:assert/strict'
import { AxeBuilder } from '@axe-core/playwright'
import { issuer } from './lib.mjs'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice']

/** axe in both schemes; then in both once more as someone sees it who zooms to 320 px. */
export async function passesAxe(page) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const { violations, passes } = await new AxeBuilder({ page }).withTags(TAGS).analyze()
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`)
    assert.deepEqual(found, [], `axe in ${colorScheme} on ${page.url()}`)
    assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'contrast was looked at')
  }
  await page.emulateMedia({ colorScheme: null })
}

/** 320 px wide is also 1280 px at 400 %: nothing may stick out sideways. */
export async function fitsNarrowScreens(page) {
  const before = page.viewportSize()
  for (const width of [320, 375, 768, 1280]) {
    await page.setViewportSize({ width, height: 640 })
    const wide = await page.evaluate(() => {
      const limit = document.documentElement.clientWidth
      const out = [...document.querySelectorAll('body *')].filter((element) => {
        const box = element.getBoundingClientRect()
        // What scrolls inside its own box, or is kept for screen readers, is not in the way.
        return box.width > 1 && box.right > limit + 1 && !element.closest('pre, .sr, svg')
      })
      return { scroll: document.documentElement.scrollWidth, limit, out: out.map((element) => element.outerHTML.slice(0, 120)) }
    })
    assert.ok(wide.scroll <= wide.limit, `${page.url()} is ${wide.scroll} px wide on ${width} px: ${wide.out.join('\n')}`)
  }
  await page.setViewportSize(before)
}

/** Buttons, fields and boxes with their labels are at least 44 px high, so that a thumb hits them. */
export async function hasLargeTargets(page) {
  const small = await page.evaluate(() => {
    const targets = document.querySelectorAll('button, .button, input:not([type=hidden]), summary')
    return [...targets].flatMap((element) => {
      const target = ['checkbox', 'radio'].includes(element.type) ? element.closest('label') ?? element : element
      const { height, width } = target.getBoundingClientRect()
      return width > 0 && height < 43.5 ? [`${Math.round(height)} px: ${target.outerHTML.slice(0, 100)}`] : []
    })
  })
  assert.deepEqual(small, [], `small targets on ${page.url()}`)
}

/** Under 30 KB over the wire with style and script, and the headers that a page must have. */
export async function isLightAndGuarded(page, { stays = true } = {}) {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.setCacheDisabled', { cacheDisabled: true })
  let bytes = 0
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  const response = await page.goto(page.url(), { waitUntil: 'networkidle' })
  await session.detach()
  assert.ok(bytes > 0 && bytes < 30_000, `${page.url()} weighs ${bytes} bytes`)
  await isGuarded(page, response, { stays })
}

/** The headers that a page must have, and nothing inline. */
export async function isGuarded(page, response, { stays = true } = {}) {
  const headers = response.headers()
  const policy = headers['content-security-policy'] ?? ''
  for (const words of [/default-src 'none'/, /frame-ancestors 'none'/, /base-uri 'none'/]) assert.match(policy, words)
  if (stays) assert.match(policy, /form-action 'self'/)
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/)
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(headers['referrer-policy'] ?? '', /no-referrer|same-origin/)
  assert.match(headers['cache-control'] ?? '', /no-store/)
  assert.match(headers['content-type'], /charset=utf-8/i)
  assert.equal(await page.locator('[style], style, script:not([src]), [onclick]').count(), 0, 'nothing inline')
  assert.ok(response.url().startsWith(issuer))
}

/** One title, one main heading, a language: what a screen reader starts with. */
export async function hasStructure(page) {
  assert.ok((await page.title()).length > 5)
  assert.equal(await page.locator('h1').count(), 1)
  assert.equal(await page.locator('main').count(), 1)
  assert.match(await page.locator('html').getAttribute('lang'), /^[a-z]{2}/)
}

export async function looksRight(page) {
  await hasStructure(page)
  await passesAxe(page)
  await fitsNarrowScreens(page)
  await hasLargeTargets(page)
}
