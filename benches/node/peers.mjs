// Whole jobs beside queues for Node that have more than fastq: p-queue has priorities, piscina threads.
//
// They are not what the bars are about: see throughput.mjs. No-ops over four priorities are submitted
// one by one and all awaited, at most 16 at once; the contenders take turns.

import { Engine, task } from 'bursar'
import PQueue from 'p-queue'
import { Piscina } from 'piscina'
import { median } from './turns.mjs'

const JOBS = 10_000
const ROUNDS = 5
const AT_ONCE = 16
const PRIORITIES = ['critical', 'high', 'normal', 'low']

/** A contender submits so many no-ops and resolves once all have run. */
async function bursar() {
  const engine = await Engine.open('memory:', { memory: '256MB', concurrency: AT_ONCE })
  const noop = task('noop', { memory: '1MB' }, async () => {})
  const kinds = PRIORITIES.map((priority) => noop.options({ priority }))
  const submit = (n) => kinds[n % kinds.length].submit().then((job) => job.result())
  return { run: (jobs) => all(jobs, submit), close: () => engine.shutdown() }
}

async function pQueue() {
  const queue = new PQueue({ concurrency: AT_ONCE })
  const submit = (n) => queue.add(async () => {}, { priority: n % PRIORITIES.length })
  return { run: (jobs) => all(jobs, submit), close: () => {} }
}

/** On threads, where a job costs a message there and one back. */
async function piscina() {
  const pool = new Piscina({ filename: new URL('piscina-noop.mjs', import.meta.url).href, maxThreads: 2 })
  return { run: (jobs) => all(jobs, () => pool.run(null)), close: () => pool.destroy() }
}

function all(jobs, submit) {
  return Promise.all(Array.from({ length: jobs }, (_, n) => submit(n)))
}

async function rate({ run }) {
  const start = process.hrtime.bigint()
  await run(JOBS)
  return JOBS / (Number(process.hrtime.bigint() - start) / 1e9)
}

function report(ours, peer, theirs) {
  const [value, peerValue] = [median(ours), median(theirs)]
  const name = `node/async no-ops beside ${peer.split(' ')[0]}`
  const row = { name, value, unit: 'jobs/s', peer, peer_value: peerValue, ratio: value / peerValue }
  console.log(JSON.stringify(row))
}

const contenders = [await bursar(), await pQueue(), await piscina()]
const rates = contenders.map(() => [])
for (let round = 0; round < ROUNDS; round++) {
  for (const [index, contender] of contenders.entries()) rates[index].push(await rate(contender))
}
for (const contender of contenders) await contender.close()
report(rates[0], 'p-queue (4 priorities)', rates[1])
report(rates[0], 'piscina (2 threads)', rates[2])
