// RFC 7519: what a JWT says, and whether its signature is one of the server's.
import { fromBase64url, fromUtf8 } from './text.js'

/** `{header, claims, signed, signature}`, or null if it is no JWT. */
export function decode(token) {
  const parts = token.split('.')
  if (parts.length !== 3) return null
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(fromUtf8(fromBase64url(part))))
    const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)
    if (!isObject(header) || !isObject(claims)) return null
    return { header, claims, signed: `${parts[0]}.${parts[1]}`, signature: fromBase64url(parts[2]) }
  } catch {
    return null
  }
}

const ALGORITHMS = {
  ES256: [{ name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }],
  RS256: [{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, { name: 'RSASSA-PKCS1-v1_5' }],
  EdDSA: [{ name: 'Ed25519' }, { name: 'Ed25519' }],
}

/** Checks the signature with the key of `keys` that the header names: `{good, words}`; `good` is null where nobody can say. */
export async function verify(jwt, keys, subtle = globalThis.crypto?.subtle) {
  const algorithm = Object.hasOwn(ALGORITHMS, jwt.header.alg) ? ALGORITHMS[jwt.header.alg] : null
  if (!algorithm) return { good: false, words: 'It names an algorithm that this server never signs with.' }
  const key = keys.find((key) => key.kid === jwt.header.kid && (!key.alg || key.alg === jwt.header.alg))
  if (!key) return { good: false, words: 'No key of this server has the kid that it names.' }
  if (!subtle) return { good: null, words: 'This browser checks signatures on https pages only.' }
  try {
    const { kty, crv, x, y, n, e } = key
    const imported = await subtle.importKey('jwk', { kty, crv, x, y, n, e }, algorithm[0], false, ['verify'])
    const good = await subtle.verify(algorithm[1], imported, jwt.signature, new TextEncoder().encode(jwt.signed))
    return { good, words: good ? 'Signed by this server.' : 'The signature does not fit: it was changed, or another signed it.' }
  } catch {
    return { good: null, words: `This browser cannot check ${jwt.header.alg}.` }
  }
}
