// The contenders of throughput.mjs.

import { Engine, task } from 'bursar'
import fastq from 'fastq'
import { play } from './turns.mjs'

const AT_ONCE = 16
const PRIORITIES = ['critical', 'high', 'normal', 'low']

/** Submits one by one, then waits for all. */
async function bursar() {
  const kinds = await bursarTasks()
  return (jobs) =>
    Promise.all(Array.from({ length: jobs }, (_, n) => kinds[n % kinds.length].submit(n).then(resultOf)))
}

/** Submits all of one priority in one go. */
async function bursarMany() {
  const kinds = await bursarTasks()
  return async (jobs) => {
    const calls = Array.from({ length: jobs / kinds.length }, (_, n) => [n])
    const submitted = await Promise.all(kinds.map((kind) => kind.submitMany(calls)))
    await Promise.all(submitted.flat().map(resultOf))
  }
}

async function bursarTasks() {
  await Engine.open('memory:', { memory: '256MB', concurrency: AT_ONCE })
  const noop = task('noop', { memory: '1MB' }, async (n) => n)
  return PRIORITIES.map((priority) => noop.options({ priority }))
}

const resultOf = (job) => job.result()

/** No priorities, no budget, no record of what was. */
async function fastqPush() {
  const queue = fastq.promise(async (n) => n, AT_ONCE)
  return (jobs) => Promise.all(Array.from({ length: jobs }, (_, n) => queue.push(n)))
}

/** One job at a time: each is submitted once the one before has ended. */
async function bursarSingle() {
  const [kind] = await bursarTasks()
  return single(async (n) => (await kind.submit(n)).result())
}

async function fastqSingle() {
  const queue = fastq.promise(async (n) => n, AT_ONCE)
  return single((n) => queue.push(n))
}

function single(call) {
  return async (jobs) => {
    const times = new Float64Array(jobs)
    for (let n = 0; n < jobs; n += 1) {
      const start = process.hrtime.bigint()
      await call(n)
      times[n] = Number(process.hrtime.bigint() - start) / 1_000
    }
    return times.sort()[jobs >> 1]
  }
}

await play({ bursar, bursarMany, fastqPush, bursarSingle, fastqSingle })
