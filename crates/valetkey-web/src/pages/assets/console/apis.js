// A call to an endpoint, put together from its rule. Pure.

/** The placeholders of a rule's path: `[{name, rest}]`. */
export const placeholders = (path) =>
  [...path.matchAll(/\{(\*?)([A-Za-z0-9_]+)\}/g)].map(([, star, name]) => ({ name, rest: star === '*' }))

/** The path with its placeholders filled in; a segment can hold anything but cannot become two. */
export const filled = (path, values) =>
  path.replace(/\/?\{(\*?)([A-Za-z0-9_]+)\}/g, (whole, star, name) => {
    const value = values[name] ?? ''
    const slash = whole.startsWith('/') ? '/' : ''
    if (!star) return slash + encodeURIComponent(value)
    return value ? slash + value.replace(/^\/+/, '').split('/').map(encodeURIComponent).join('/') : ''
  })

/** What a token lacks for a rule: `[{scope, has}]`. */
export const needs = (rule, granted) => (rule.scopes ?? []).map((scope) => ({ scope, has: granted.includes(scope) }))

/** Methods a rule can be called by. */
export const methods = (rule) => (rule.method === '*' ? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] : [rule.method])

export const takesBody = (method) => ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method)
