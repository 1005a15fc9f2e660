// The contenders of durable.mjs. Each round has a file of its own, and ends once all is on record in it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Engine, task } from 'bursar'
import { better, defineQueue, defineWorker } from 'plainjob'
import { play } from './turns.mjs'

const SUBMITTERS = 8
const noop = task('noop', async () => {})
const quiet = { debug() {}, info() {}, warn() {}, error: console.error }

/** Jobs a second that `run` comes to on a new file. */
function onFile(run) {
  return async (jobs) => {
    const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'))
    try {
      return await run(join(folder, 'jobs.db'), jobs)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

function bursar(durability, submit) {
  return () =>
    onFile(async (path, jobs) => {
      const engine = await Engine.open(`sqlite:${path}`, { durability })
      const start = performance.now()
      const submitted = await submit(jobs)
      await Promise.all(submitted.map((job) => job.result()))
      const rate = rateSince(start, jobs)
      await engine.shutdown()
      return rate
    })
}

/** Eight at a time: each submitter goes on once its job is acknowledged. */
async function one(jobs) {
  const submitted = []
  let left = jobs
  const submitter = async () => {
    while (left-- > 0) submitted.push(await noop.submit())
  }
  await Promise.all(Array.from({ length: SUBMITTERS }, submitter))
  return submitted
}

function many(jobs) {
  return noop.submitMany(Array.from({ length: jobs }, () => []))
}

/**
 * plainjob sets the level of its connection itself, to `NORMAL`, so it is set after that. Its calls are
 * synchronous, and its worker leaves the event loop no turn, so all is submitted before it begins.
 */
function plainjob(synchronous, submit) {
  return () =>
    onFile(async (path, jobs) => {
      const database = new Database(path)
      const queue = defineQueue({ connection: better(database), logger: quiet })
      database.pragma(`synchronous = ${synchronous}`)
      const start = performance.now()
      submit(queue, jobs)
      await done(queue, jobs)
      const rate = rateSince(start, jobs)
      queue.close()
      return rate
    })
}

async function done(queue, jobs) {
  let left = jobs
  const { promise, resolve } = withResolvers()
  const onCompleted = () => {
    left -= 1
    if (left === 0) resolve()
  }
  const options = { queue, logger: quiet, pollIntervall: 1, onCompleted }
  const worker = defineWorker('noop', async () => {}, options)
  const ended = worker.start()
  await promise
  await worker.stop()
  await ended
}

function withResolvers() {
  let resolve
  const promise = new Promise((given) => {
    resolve = given
  })
  return { promise, resolve }
}

function add(queue, jobs) {
  for (let n = 0; n < jobs; n += 1) queue.add('noop', {})
}

function addMany(queue, jobs) {
  const all = Array.from({ length: jobs }, () => ({}))
  queue.addMany('noop', all)
}

function rateSince(start, jobs) {
  return jobs / ((performance.now() - start) / 1_000)
}

await play({
  one: bursar('full', one),
  many: bursar('full', many),
  oneProcess: bursar('process', one),
  manyProcess: bursar('process', many),
  add: plainjob('FULL', add),
  addMany: plainjob('FULL', addMany),
  addNormal: plainjob('NORMAL', add),
  addManyNormal: plainjob('NORMAL', addMany),
})
