// A server of a test's own, for what the common one does not do: `valetkey serve` in a fresh data directory.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { run } from './lib.mjs'

export const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => done(port))
  })
})

const environment = (more) => {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VALETKEY')))
  return { ...own, ...more }
}

/** Starts `serve` below `home`; resolves when it is ready, with all it printed so far. `settings`: further variables. */
export async function serve(home, port, management, settings = {}) {
  const data = join(home, 'data')
  const env = environment({
    VALETKEY__ISSUER: `http://localhost:${port}`, VALETKEY__HTTP__LISTEN: `127.0.0.1:${port}`,
    VALETKEY__MANAGEMENT__LISTEN: `127.0.0.1:${management}`, ...settings })
  const child = spawn(run.bin, ['--data-dir', data, 'serve'], { cwd: home, env })
  const server = { child, printed: '' }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (server.printed += part))
  server.stop = () => new Promise((done) => {
    // `close` comes when all that was printed has been read.
    child.once('close', (code) => done(code))
    child.kill('SIGTERM')
  })
  server.valetkey = (words, input = '') => {
    const out = execFileSync(run.bin, ['--data-dir', data, '--json', ...words], { cwd: home, env, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
    return out.trim() ? JSON.parse(out) : null
  }
  const deadline = Date.now() + 15_000
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${management}/health/ready`).then((response) => response.ok, () => false)
    if (ready) return server
    assert.ok(child.exitCode === null && Date.now() < deadline, `serve is not ready: ${server.printed}`)
    await new Promise((again) => setTimeout(again, 25))
  }
}
