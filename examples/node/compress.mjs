// Hashes and compresses every file of a folder, as many at a time as the memory pool carries:
//
//     compress.mjs [FOLDER] [--memory SIZE] [--store URL] [--json]
//
// Each file is a job that asks for three times the file's size; small files go first. With a store on
// disk, such as `sqlite:jobs.db`, a run that was killed goes on where it was when it is started again.
import { isUtf8 } from 'node:buffer'
import { webcrypto } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { Engine, task } from 'bursar'
import { number, reportOf, size, tableOf } from './_report.mjs'

/** @typedef {import('./_report.mjs').Compressed} Compressed */
/**
 * The name is relative to the folder, with `/`; the key is another one once the file is written anew.
 *
 * @typedef {{ path: string, name: string, size: number, key: string }} File
 */

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const LEFT_OUT = new Set(['.git', '.cache', 'target', 'node_modules', '__pycache__'])
const SMALL = 65_536
const LEAST = 1_000_000

// Both work on Node's own threads, so that jobs overlap although they all run on the main loop.
const deflated = promisify(deflate)
const sha256 = (/** @type {Buffer} */ content) => webcrypto.subtle.digest('SHA-256', content)

const compress = task('compress', async (/** @type {string} */ path) => {
  const content = await readFile(path)
  const [hash, compressed] = await Promise.all([sha256(content), deflated(content, { level: 6 })])
  /** @type {Compressed} */
  const result = {
    sha256: Buffer.from(hash).toString('hex'),
    bytes: content.length,
    compressed: compressed.length,
  }
  return result
})

/**
 * Submits the job of a file; nothing may ask for more than the pool.
 *
 * @param {File} file
 * @param {number} pool
 */
function submit(file, pool) {
  const memory = Math.min(Math.max(3 * file.size, LEAST), pool)
  const priority = file.size <= SMALL ? 'high' : 'normal'
  // A function, because text would be a template, and a path may hold braces.
  return compress.options({ memory, priority, unique: () => file.key }).submit(file.path)
}

/**
 * The ids of the jobs that an earlier run left, done or not, by their keys. All states are asked for
 * at once: what is left runs meanwhile, and must not slip between two questions.
 *
 * @param {Engine} engine
 */
async function known(engine) {
  /** @type {Map<string, string>} */
  const ids = new Map()
  /** @type {import('bursar').JobQuery} */
  const query = { task: 'compress', order: 'oldest', limit: 1_000 }
  for (;;) {
    const page = await engine.jobs(query)
    for (const { unique, id, state } of page) {
      if (unique && state !== 'failed' && state !== 'cancelled') ids.set(unique, id)
    }
    if (page.cursor === undefined) return ids
    query.cursor = page.cursor
  }
}

/**
 * The files of a folder.
 *
 * @param {string} folder
 * @returns {AsyncGenerator<File>}
 */
async function* walk(folder, prefix = '') {
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const name = entry.name.toString()
    const path = join(folder, name)
    if (entry.isDirectory() && LEFT_OUT.has(name)) continue
    if (!entry.isDirectory() && !entry.isFile()) continue
    if (!isUtf8(entry.name)) console.error(`left out, its path is not UTF-8: ${path}`)
    else if (entry.isDirectory()) yield* walk(path, `${prefix}${name}/`)
    else yield fileAt(path, prefix + name)
  }
}

/**
 * @param {string} path
 * @param {string} name
 * @returns {Promise<File>}
 */
async function fileAt(path, name) {
  const { size, mtimeNs } = await stat(path, { bigint: true })
  return { path, name, size: Number(size), key: `${path} ${size} ${mtimeNs}` }
}

/**
 * The files of a folder, sorted by the bytes of their names.
 *
 * @param {string} folder
 */
async function find(folder) {
  /** @type {File[]} */
  const files = []
  for await (const file of walk(folder)) files.push(file)
  return files.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
}

/**
 * Draws how far the jobs are, until all have ended; only where a person can see it.
 *
 * @param {Engine} engine
 * @param {number} files
 */
async function watch(engine, files) {
  const draw = async () => {
    const { jobs, budget } = await engine.stats()
    const done = jobs.completed + jobs.failed + jobs.cancelled
    const bar = '#'.repeat((30 * done) / files).padEnd(30, '-')
    const { reserved, total } = budget.memory
    const of = `${number(done)}/${number(files)} files, ${size(reserved)} of ${size(total)} reserved`
    process.stderr.write(`\r\x1b[K[${bar}] ${of}`)
  }
  const timer = process.stderr.isTTY ? setInterval(draw, 100) : undefined
  await engine.drain()
  clearInterval(timer)
  if (timer) process.stderr.write('\r\x1b[K')
}

/**
 * @param {File[]} files
 * @param {string} memory
 * @param {string} store
 */
async function run(files, memory, store) {
  const engine = await Engine.open(store, {
    memory,
    defaultMemory: memory, // each job says what it needs; without, it would have the pool to itself
    concurrency: 1_000, // so many that only memory bounds what runs at once
    maxResults: Math.max(10_000, files.length),
  })
  try {
    const pool = (await engine.stats()).budget.memory.total
    const ids = await known(engine)
    const jobs = await Promise.all(
      files.map((file) => {
        const id = ids.get(file.key)
        return id === undefined ? submit(file, pool) : engine.job(id)
      }),
    )
    await watch(engine, files.length)
    const done = []
    for (const [index, { name }] of files.entries()) {
      const job = /** @type {(typeof jobs)[number]} */ (jobs[index])
      const error = await job.exception()
      if (error) throw new Error(`${name}: ${error.message}`)
      done.push({ name, result: /** @type {Compressed} */ (await job.result()), info: await job.info() })
    }
    return reportOf(done, pool)
  } finally {
    await engine.shutdown()
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      memory: { type: 'string', default: '64MB' },
      store: { type: 'string', default: 'memory:' },
      json: { type: 'boolean', default: false },
    },
  })
  const folder = resolve(positionals[0] ?? CHECKOUT)
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new Error(`${folder} is not a folder`)
  const report = await run(await find(folder), values.memory, values.store)
  console.log(tableOf(report))
  if (values.json) console.log(JSON.stringify(report))
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
