// What things are called, and what to change when the server refuses. The server's own sentence is always shown too.

export const GRANTS = {
  authorization_code: ['Code with PKCE', 'For a person: the browser brings a code, and the application exchanges it.'],
  client_credentials: ['Client credentials', 'For the application itself: no person is involved.'],
  refresh_token: ['Refresh token', 'A new access token for one that ran out, without asking the person again.'],
  implicit: ['Implicit', 'For a person: the token comes straight in the address.'],
  password: ['Password', 'The application takes the person’s name and password and hands them over.'],
}

export const grantName = (name) => GRANTS[name]?.[0] ?? name.replace(/^.*:/, '').replaceAll('_', ' ')

const CHANGES = {
  access_denied: 'The person said no. Say so in your application, and offer another way.',
  consent_required: 'The person has to be asked: send the request again without prompt=none.',
  expired_token: 'Begin the flow anew.',
  insufficient_scope: 'Ask for the scope that the endpoint needs, and use the new token. The token you sent is good; it just may not do this.',
  interaction_required: 'The person has to be asked: send the request again without prompt=none.',
  invalid_client: 'Check client_id and secret, and that they travel the way this client was registered for: in the Authorization header, in the body, or, for a public client, no secret at all.',
  invalid_grant: 'Get a new one: a code works once, for a minute, for the client and redirect_uri it was made for, and with the verifier behind its challenge. A refresh token works until it was used, revoked or is too old.',
  invalid_request: 'A parameter is missing, sent twice, or not what the server expects. The description names it.',
  invalid_scope: 'Ask only for scopes that exist here and that the client was registered for, separated by single spaces.',
  invalid_target: 'Name a resource that is registered here, exactly as it is registered.',
  invalid_token: 'Get a new token: this one ran out, was revoked, or is for another API.',
  login_required: 'Nobody is signed in: send the request again without prompt=none.',
  server_error: 'The server could not answer. Try again in a moment.',
  temporarily_unavailable: 'The server is busy. Try again in a moment.',
  unauthorized_client: 'Register the client for this grant, or use another. Legacy grants also need the operator’s opt-in.',
  unsupported_grant_type: 'Use a grant that the server’s metadata lists.',
  unsupported_response_type: 'Use response_type=code. “token” is there only for clients that the operator opened it for.',
  use_dpop_nonce: 'Send the request again, with the nonce of the DPoP-Nonce header.',
}

const STATUS = {
  401: 'Send an access token that is good: Authorization: Bearer and the token.',
  403: 'The token is good, but it may not do this. See what the endpoint needs.',
  404: 'There is nothing at this path. Check the path parameters.',
  405: 'The endpoint does not take this method.',
  429: 'Too many requests. Wait as long as Retry-After says.',
  502: 'The API behind the gateway cannot be reached.',
  503: 'The server is busy. Wait as long as Retry-After says.',
  504: 'The API behind the gateway did not answer in time.',
}

/** What to change after a refusal; null if there was none. */
export function change(status, error) {
  if (error && Object.hasOwn(CHANGES, error)) return CHANGES[error]
  return STATUS[status] ?? (error || status >= 400 ? 'See what the server says, and change the request accordingly.' : null)
}

export const CLAIMS = {
  acr: 'how strongly the person signed in', active: 'whether it is good now', at_hash: 'binds it to the access token', aud: 'who it is for',
  auth_time: 'when the person signed in', azp: 'the application it was made for', client_id: 'the application it was made for', cnf: 'the key that its bearer must prove to hold', exp: 'good until',
  gid: 'the grant it belongs to', iat: 'made', iss: 'who made it', jti: 'its own id', nbf: 'good from', nonce: 'what the request brought', scope: 'what it may do',
  sid: 'the session', sub: 'who it speaks for', tenant: 'the user directory', token_type: 'how it is used',
}
export const TIMES = ['exp', 'iat', 'nbf', 'auth_time', 'updated_at']
