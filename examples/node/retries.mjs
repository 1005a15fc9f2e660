// Retries, a job that gives up, and dead letters: list, retry, delete.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { currentJob, Engine, Fail, task } from 'bursar'

// A server that answers at the third attempt, and never for an address that is wrong.
const fetchPage = task(
  'fetch',
  { retries: 3, retryDelay: '10ms', backoff: 'fixed' },
  async (/** @type {string} */ address) => {
    const { attempt } = currentJob()
    if (!address.startsWith('https:')) throw new Fail(`${address} is no https address`)
    if (attempt < 3) throw new Error(`attempt ${attempt}: the server is busy`)
    return `${address}: 200 in attempt ${attempt}`
  },
)

// Fails until somebody has mended what it needs.
const report = task(
  'report',
  { retries: 1, retryDelay: '10ms', backoff: 'fixed' },
  async (/** @type {string} */ file) => (await readFile(file)).length,
)

async function succeedAtLast() {
  const job = await fetchPage.submit('https://example.org')
  console.log(await job.result())
  const { attempts } = await job.info()
  for (const { number, error } of attempts) console.log(`  ${number}: ${error?.message ?? 'fine'}`)
}

async function giveUp() {
  const job = await fetchPage.submit('gopher://example.org')
  const error = await job.exception()
  const { attempt } = await job.info()
  console.log(`gave up after ${attempt} attempt: ${error?.message}`)
  await job.delete()
}

/**
 * @param {Engine} engine
 * @param {string} file
 */
async function mend(engine, file) {
  const job = await report.submit(file)
  await job.wait()
  for (const { task, attempt } of await engine.jobs({ state: 'failed' })) {
    console.log(`dead letter: ${task} after ${attempt} attempts`)
  }
  await writeFile(file, 'mended')
  const again = await job.retry()
  console.log(`retried as a new job: ${await again.result()} bytes`)
  await job.delete()
  console.log(`dead letters left: ${await engine.count({ state: 'failed' })}`)
}

const engine = await Engine.open('memory:')
const folder = await mkdtemp(join(tmpdir(), 'bursar-'))
await succeedAtLast()
await giveUp()
await mend(engine, join(folder, 'report.txt'))
await rm(folder, { recursive: true })
await engine.shutdown()
