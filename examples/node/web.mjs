// A service that answers at once and does the work in jobs; it then asks itself.
//
//     POST /counts {"text": "..."}   202, and where the job is
//     GET /jobs/ID?wait=SECONDS      its state, and what came of it
import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { BursarError, Engine, Fail, TimeoutError, task } from 'bursar'

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {{ status: number, body: unknown, location?: string }} Answer */

const NOBODY = '00000000-0000-7000-8000-000000000000'

/** @type {Partial<Record<import('bursar').ErrorCode, number>>} */
const STATUS = { Invalid: 400, NotFound: 404, BudgetExceeded: 413 }

const countWords = task('count_words', { timeout: '1m' }, (/** @type {string} */ text) => {
  const words = text.split(/\s+/).filter(Boolean).sort()
  if (words.length === 0) throw new Fail('there is no word in it')
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return Object.fromEntries(counts)
})

/**
 * @param {Request} request
 * @returns {Promise<Answer>}
 */
async function submit(request) {
  const body = /** @type {{ text?: unknown } | null} */ (await json(request))
  const text = body?.text
  if (typeof text !== 'string') return { status: 422, body: { error: 'text: expected a string' } }
  const memory = Math.max(1_000_000, 10 * text.length)
  const job = await countWords.options({ memory }).submit(text)
  return { status: 202, body: { id: job.id }, location: `/jobs/${job.id}` }
}

/**
 * @param {Engine} engine
 * @param {string} id
 * @param {number} wait
 * @returns {Promise<Answer>}
 */
async function status(engine, id, wait) {
  const job = await engine.job(id)
  if (wait > 0) await job.wait({ timeout: wait }).catch(unlessLate)
  const { state, result, error } = await job.info()
  return { status: 200, body: { state, result: result ?? null, error: error?.message ?? null } }
}

/** @param {unknown} error */
function unlessLate(error) {
  if (!(error instanceof TimeoutError)) throw error
}

/**
 * @param {Engine} engine
 * @param {Request} request
 * @returns {Promise<Answer>}
 */
async function route(engine, request) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const [, place, id] = pathname.split('/')
  if (request.method === 'POST' && pathname === '/counts') return submit(request)
  if (request.method === 'GET' && place === 'jobs' && id) {
    return status(engine, id, Number(searchParams.get('wait') ?? 0))
  }
  return { status: 404, body: { error: `there is nothing at ${request.method} ${pathname}` } }
}

/**
 * @param {unknown} error
 * @returns {Answer}
 */
function refused(error) {
  if (error instanceof SyntaxError) return { status: 422, body: { error: error.message } }
  if (!(error instanceof BursarError)) return { status: 500, body: { error: String(error) } }
  return { status: STATUS[error.code] ?? 503, body: { error: error.message } }
}

/** @param {Engine} engine */
function serve(engine) {
  const server = createServer(async (request, response) => {
    const { status, body, location } = await route(engine, request).catch(refused)
    response.writeHead(status, { 'content-type': 'application/json', ...(location ? { location } : {}) })
    response.end(JSON.stringify(body))
  })
  return server.listen(0, '127.0.0.1')
}

/**
 * Submits a text and shows what comes of it.
 *
 * @param {string} address
 * @param {string} text
 */
async function ask(address, text) {
  const response = await fetch(`${address}/counts`, { method: 'POST', body: JSON.stringify({ text }) })
  const body = /** @type {{ error?: string }} */ (await response.json())
  console.log(`POST /counts: ${response.status}`)
  if (response.status === 202) await look(`${address}${response.headers.get('location')}`)
  else console.log(`  ${body.error}`)
}

/** @param {string} location */
async function look(location) {
  const response = await fetch(`${location}?wait=10`)
  console.log(`GET /jobs/ID: ${response.status}`)
  console.log(`  ${await response.text()}`)
}

const engine = await Engine.open('memory:', { memory: '64MB' })
const server = serve(engine)
await once(server, 'listening')
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const address = `http://127.0.0.1:${port}`

await ask(address, 'to be or not to be')
await ask(address, '')
await ask(address, 'a'.repeat(10_000_000))
await look(`${address}/jobs/${NOBODY}`)

server.close()
server.closeAllConnections()
await engine.shutdown()
