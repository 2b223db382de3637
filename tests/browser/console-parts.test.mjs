// The console's pure parts, without a browser: what is taken out of an address, what is shown and copied, and what is checked.
import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { test } from 'node:test'
import { filled, methods, needs, placeholders } from '../../crates/valetkey-web/src/pages/assets/console/apis.js'
import { foreign } from '../../crates/valetkey-web/src/pages/assets/console/data.js'
import { decode, verify } from '../../crates/valetkey-web/src/pages/assets/console/jwt.js'
import { cover, hidden } from '../../crates/valetkey-web/src/pages/assets/console/pane.js'
import { challenge, random } from '../../crates/valetkey-web/src/pages/assets/console/proof.js'
import { cleaned, read, take } from '../../crates/valetkey-web/src/pages/assets/console/take.js'
import { colours, curl, FORM, fromBase64url, indented, masked, pairs, span, toBase64url, when } from '../../crates/valetkey-web/src/pages/assets/console/text.js'
import { asClient } from '../../crates/valetkey-web/src/pages/assets/console/wire.js'
import { change } from '../../crates/valetkey-web/src/pages/assets/console/words.js'

const at = (rest) => `https://id.example/console${rest}`

test('an answer is read from the fragment or the query and from nowhere else', () => {
  for (const [rest, part, params] of [
    ['#access_token=t&token_type=Bearer&state=s', 'fragment', { access_token: 't', token_type: 'Bearer', state: 's' }],
    ['?code=c&state=s&iss=https%3A%2F%2Fid.example', 'query', { code: 'c', state: 's', iss: 'https://id.example' }],
    ['?error=access_denied&state=s', 'query', { error: 'access_denied', state: 's' }],
    ['?client=app#error=access_denied', 'fragment', { error: 'access_denied' }],
    ['#code=<img src=x onerror=alert(1)>', 'fragment', { code: '<img src=x onerror=alert(1)>' }],
    ['?__proto__=x&code=c', 'query', { code: 'c' }],
  ]) assert.deepEqual({ ...read(at(rest)), repeated: undefined }, { part, params, repeated: undefined }, rest)
  for (const rest of ['', '#', '?client=app', '#step', '?state=s', '#constructor=x', '?iss=x&scope=y']) assert.equal(read(at(rest)), null, rest)
  assert.deepEqual(read(at('?code=a&code=b&state=s')).repeated, ['code'])
})

test('what may stay in the address bar holds no answer and no fragment', () => {
  for (const [rest, left] of [
    ['?code=c&state=s&iss=i&client=app', '?client=app'],
    ['#access_token=t', ''],
    ['?client=app&grant=implicit#access_token=t', '?client=app&grant=implicit'],
    ['?error=e&error_description=d&state=s', ''],
  ]) assert.equal(cleaned(at(rest)), `/console${left}`)
})

test('the history entry that held an answer is replaced, also one that is no answer but has a fragment', () => {
  for (const [rest, found, replaced] of [['#access_token=t', true, true], ['#anything', false, true], ['?client=app', false, false]]) {
    const calls = []
    const came = take({ href: at(rest), hash: new URL(at(rest)).hash }, { replaceState: (...call) => calls.push(call) })
    assert.equal(came !== null, found, rest)
    assert.equal(calls.length, replaced ? 1 : 0, rest)
    if (replaced) assert.equal(calls[0][2], '/console')
  }
})

test('rfc6749 section 10.12 and rfc9207 section 2.4: an answer that this tab did not ask for is thrown away', () => {
  const flow = { state: 's', grant: 'authorization_code' }
  const answer = (params, part = 'query', repeated = []) => ({ params: { state: 's', iss: 'https://id.example', ...params }, part, repeated })
  const issuer = 'https://id.example'
  assert.equal(foreign(answer({ code: 'c' }), flow, issuer), null)
  assert.equal(foreign(answer({ access_token: 't' }, 'fragment'), { ...flow, grant: 'implicit' }, issuer), null)
  for (const [came, own] of [
    [answer({ code: 'c' }), null],
    [answer({ code: 'c', state: 'x' }), flow],
    [answer({ code: 'c', state: undefined }), flow],
    [answer({ code: 'c', iss: 'https://evil.example' }), flow],
    [answer({ code: 'c', iss: undefined }), flow],
    [answer({ code: 'c' }, 'query', ['code']), flow],
    [answer({ access_token: 't' }, 'fragment'), flow],
    [answer({ access_token: 't' }, 'query'), { ...flow, grant: 'implicit' }],
  ]) assert.match(foreign(came, own, issuer), /\w/, JSON.stringify([came, own]))
})

test('base64url goes both ways, and what is none is refused', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  assert.deepEqual(fromBase64url(toBase64url(bytes)), bytes)
  assert.throws(() => fromBase64url('a+b/'))
})

test('rfc7636 appendix B: the challenge of the printed verifier', async () => {
  assert.equal(await challenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
  assert.match(random(), /^[A-Za-z0-9_-]{43}$/)
})

test('a curl line reads back as the request, whatever stands in it', () => {
  const evil = "a'b $(id) `id` \"x\" \n;"
  const line = curl({ method: 'POST', url: 'https://id.example/oauth/token', headers: [['Content-Type', FORM]], body: new URLSearchParams([['x', evil]]).toString() })
  assert.doesNotMatch(line, /[`$;"]/)
  const json = curl({ method: 'PUT', url: 'https://id.example/a?b=c', headers: [['Content-Type', 'application/json']], body: JSON.stringify({ x: evil }) })
  assert.match(json, /-X PUT/)
  assert.match(json, /'\\''/)
  assert.doesNotMatch(json.replace(/'\\''/g, '').replace(/'[^']*'/g, ''), /[`$;"]/, 'nothing outside the quotes')
})

test('rfc6749 section 2.3.1: credentials travel as the client was registered for', () => {
  const url = 'https://id.example/oauth/token'
  const header = ({ headers }) => headers.find(([name]) => name === 'Authorization')?.[1]
  const basic = asClient(url, { id: 'a:b', auth: 'client_secret', secret: 'p ü' }, [['x', 'y']])
  assert.equal(atob(header(basic).slice(6)), 'a%3Ab:p+%C3%BC')
  assert.equal(basic.body, 'x=y')
  const post = asClient(url, { id: 'a', auth: 'client_secret_post', secret: 's' }, [['x', 'y']])
  assert.deepEqual([header(post), post.body], [undefined, 'x=y&client_id=a&client_secret=s'])
  const open = asClient(url, { id: 'a', auth: 'none' }, [['x', 'y']])
  assert.deepEqual([header(open), open.body], [undefined, 'x=y&client_id=a'])
})

test('a secret is covered wherever it stands', () => {
  cover('correct horse battery')
  for (const text of ['Authorization: Bearer abc.def', "-d client_secret=abcdef -d 'code=vk_ac_abcdefabcdefabcdef'", 'x correct horse battery y', '?access_token=abc', 'password=a&x=y', 'Basic YWJj']) {
    const shown = hidden(text)
    assert.match(shown, /••••••/, text)
    for (const secret of ['abc.def', 'abcdefabcdef', 'correct', '=abc', 'password=a&', 'YWJj']) assert.ok(!shown.includes(secret), `${secret} in ${shown}`)
  }
  assert.equal(hidden('client_id=demo&scope=read'), 'client_id=demo&scope=read')
  assert.ok(!masked('short').includes('s'))
  assert.equal(masked('vk_at_abcdefghijklmnopqrstuvwxyz'), 'vk_at_abc••••••')
})

test('JSON in colour is the same text, and knows which member a value belongs to', () => {
  const text = indented('{"a":"x\\"y","n":[1,-2.5e3,true,null],"access_token":"t","deep":{"k":"<b>"}}')
  const parts = colours(text)
  assert.equal(parts.map(([, part]) => part).join(''), text)
  assert.deepEqual(parts.find(([kind, part]) => kind === 's' && part === '"t"')[2], 'access_token')
  assert.equal(indented('<html>'), null)
})

test('times are said as people say them', () => {
  for (const [seconds, words] of [[1, '1 second'], [59, '59 seconds'], [600, '10 minutes'], [3600, '1 hour'], [172800, '2 days']]) assert.equal(span(seconds), words)
  assert.deepEqual([when(1600, 1000), when(1000, 1600), when(5, 5)], ['in 10 minutes', '10 minutes ago', 'now'])
})

test('what is typed as name=value lines becomes pairs', () => {
  assert.deepEqual(pairs('a=1\n b = 2 \n\nc\nd=e=f&g=h'), [['a', '1'], ['b', '2'], ['c', ''], ['d', 'e=f'], ['g', 'h']])
})

test('a path is filled in without becoming another', () => {
  assert.deepEqual(placeholders('/a/{id}/b/{*rest}'), [{ name: 'id', rest: false }, { name: 'rest', rest: true }])
  for (const [path, values, want] of [
    ['/things/{id}', { id: '1' }, '/things/1'],
    ['/things/{id}', { id: '../x?y#z' }, '/things/..%2Fx%3Fy%23z'],
    ['/files/{*rest}', { rest: 'a b/c' }, '/files/a%20b/c'],
    ['/{*rest}', { rest: '' }, ''],
    ['/{*rest}', { rest: '/hello' }, '/hello'],
  ]) assert.equal(filled(path, values), want)
  assert.deepEqual(needs({ scopes: ['read', 'write'] }, ['read']), [{ scope: 'read', has: true }, { scope: 'write', has: false }])
  assert.deepEqual(methods({ method: 'GET' }), ['GET'])
})

test('a JWT is read with care, and its signature is checked with a key of the server', async () => {
  const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const [params, alg, jwkAlg] of [[{ name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }, 'ES256'], [{ name: 'Ed25519' }, { name: 'Ed25519' }, 'EdDSA']]) {
    const { privateKey, publicKey } = await webcrypto.subtle.generateKey(params, true, ['sign', 'verify'])
    const jwk = { ...(await webcrypto.subtle.exportKey('jwk', publicKey)), kid: 'k1', alg: jwkAlg, use: 'sig' }
    const signed = `${b64({ alg: jwkAlg, kid: 'k1' })}.${b64({ iss: 'https://id.example', exp: 1 })}`
    const signature = Buffer.from(await webcrypto.subtle.sign(alg, privateKey, Buffer.from(signed))).toString('base64url')
    const good = decode(`${signed}.${signature}`)
    assert.equal((await verify(good, [jwk])).good, true, jwkAlg)
    const changed = decode(`${b64({ alg: jwkAlg, kid: 'k1' })}.${b64({ iss: 'https://id.example', exp: 2 })}.${signature}`)
    assert.equal((await verify(changed, [jwk])).good, false)
    assert.equal((await verify(good, [{ ...jwk, kid: 'k2' }])).good, false)
    assert.equal((await verify(good, [jwk], null)).good, null)
  }
  const none = decode(`${b64({ alg: 'none' })}.${b64({})}.`)
  assert.equal((await verify(none, [])).good, false)
  for (const text of ['vk_at_abc', 'a.b', 'a.b.c', `${b64([])}.${b64({})}.x`, `${b64({})}.${b64('x')}.x`, '']) assert.equal(decode(text), null, text)
})

test('every refusal has words on what to change', () => {
  for (const error of ['invalid_grant', 'invalid_client', 'insufficient_scope', 'something_new', '__proto__', 'constructor']) assert.match(change(400, error), /\w/)
  assert.equal(change(200, undefined), null)
})
