// A web server with TLS that serves the same description of an application at every address: documents.mjs DIRECTORY
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'

const [, , directory] = process.argv
const file = (name) => `${directory}/${name}`
let origin
const server = createServer({ key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) }, (request, response) => {
  const client = {
    client_id: origin + request.url, client_name: 'Lamp Reader', redirect_uris: ['http://127.0.0.1:33418/callback'],
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], token_endpoint_auth_method: 'none',
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=60' }).end(JSON.stringify(client))
})
server.listen(0, '127.0.0.1', () => {
  origin = `https://localhost:${server.address().port}`
  writeFileSync(file('origin.new'), origin)
  renameSync(file('origin.new'), file('origin'))
})
