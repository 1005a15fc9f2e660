// The contenders of threads.mjs.

import { Engine } from 'bursar'
import { Piscina } from 'piscina'
import { noop } from './noop.mjs'
import { play } from './turns.mjs'

const THREADS = 2

/** Submits one by one, then waits for all. */
async function bursar() {
  await Engine.open('memory:', { concurrency: { thread: THREADS } })
  return (jobs) =>
    Promise.all(Array.from({ length: jobs }, (_, n) => noop.submit(n).then((job) => job.result())))
}

async function piscina() {
  const filename = new URL('piscina-noop.mjs', import.meta.url).href
  const pool = new Piscina({ filename, minThreads: THREADS, maxThreads: THREADS })
  return (jobs) => Promise.all(Array.from({ length: jobs }, (_, n) => pool.run(n)))
}

/** With as many tasks handed to a worker at once as suits it best. */
async function piscinaMany() {
  const filename = new URL('piscina-noop.mjs', import.meta.url).href
  const options = { minThreads: THREADS, maxThreads: THREADS, concurrentTasksPerWorker: 8 }
  const pool = new Piscina({ filename, ...options })
  return (jobs) => Promise.all(Array.from({ length: jobs }, (_, n) => pool.run(n)))
}

await play({ bursar, piscina, piscinaMany })
