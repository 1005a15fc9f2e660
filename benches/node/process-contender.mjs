// The contenders of processes.mjs.

import { Engine } from 'bursar'
import { Tinypool } from 'tinypool'
import { noop } from './process-noop.mjs'
import { play } from './turns.mjs'

const PROCESSES = 2

const filename = new URL('piscina-noop.mjs', import.meta.url).href
const peer = {
  filename,
  runtime: 'child_process',
  minThreads: PROCESSES,
  maxThreads: PROCESSES,
}

/** Submits one by one, then waits for all. */
async function bursar() {
  await Engine.open('memory:', { concurrency: { process: PROCESSES } })
  return (jobs) =>
    Promise.all(Array.from({ length: jobs }, (_, n) => noop.submit(n).then((job) => job.result())))
}

async function tinypool() {
  const pool = new Tinypool(peer)
  return (jobs) => Promise.all(Array.from({ length: jobs }, (_, n) => pool.run(n)))
}

/** With as many tasks handed to a process at once as suits it best. */
async function tinypoolMany() {
  const pool = new Tinypool({ ...peer, concurrentTasksPerWorker: 8 })
  return (jobs) => Promise.all(Array.from({ length: jobs }, (_, n) => pool.run(n)))
}

await play({ bursar, tinypool, tinypoolMany })
