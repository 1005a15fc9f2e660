// One contender of throughput.mjs, in a process of its own: what one does to the promises of its
// process must not touch the other. Asked for a round by its parent, it answers with a figure.

import { Engine, task } from 'bursar'
import fastq from 'fastq'

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

/** The figure that a round gives where it says none itself: jobs a second. */
async function measure(round, jobs) {
  const start = process.hrtime.bigint()
  const figure = await round(jobs)
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  return typeof figure === 'number' ? figure : jobs / seconds
}

const contenders = { bursar, bursarMany, fastqPush, bursarSingle, fastqSingle }
const round = await contenders[process.argv[2]]()
process.on('message', async (jobs) => process.send(await measure(round, jobs)))
process.send('ready')
