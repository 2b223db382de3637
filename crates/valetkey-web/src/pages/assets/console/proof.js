// RFC 7636: the pair that binds a code to the tab that asked for it; and unguessable values.
import { toBase64url } from './text.js'

export const random = (bytes = 32) => toBase64url(crypto.getRandomValues(new Uint8Array(bytes)))

/** The S256 challenge of a verifier. */
export const challenge = async (verifier) =>
  toBase64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)))
