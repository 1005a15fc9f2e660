// A child of the referee in Node: it plays the part that its arguments say, as `src/child` does in Rust.
import { fsyncSync, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { currentJob, Engine, Fail, task } from 'bursar'

const KINDS = ['ok', 'ok', 'ok', 'flaky', 'fail', 'note', 'give-up', 'note']
const MEMORY = [1, 1, 2, 3, 5, 8]
const PRIORITIES = /** @type {const} */ (['critical', 'high', 'normal', 'low'])

/** @type {Record<string, string>} */
const part = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const at = argument.indexOf('=')
    return [argument.slice(0, at), argument.slice(at + 1)]
  }),
)
const file = openSync(part.witness ?? '', 'a')

/**
 * A line in a file of its own, on the disk before the next step.
 *
 * @param {string} line
 */
function note(line) {
  writeSync(file, `${process.hrtime.bigint() / 1000n} ${line}\n`)
  fsyncSync(file)
}

/**
 * Numbers that follow from a seed (SplitMix64).
 *
 * @param {bigint} seed
 */
function chanceOf(seed) {
  let state = seed
  return (/** @type {number} */ below) => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
    let mixed = state
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n)
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn)
    return Number((mixed ^ (mixed >> 31n)) % BigInt(below))
  }
}

const options = { memory: '1MB', retries: 2, retryDelay: '10ms', backoff: /** @type {const} */ ('fixed') }
const work = task(
  'torture.work',
  options,
  async (/** @type {number} */ micros, /** @type {string} */ kind) => {
    const job = currentJob()
    const { id, attempt, memory } = job
    note(`begin ${id} ${attempt} ${memory}`)
    await setTimeout(micros / 1000)
    if (kind === 'note') leaveNotes(job)
    note(`effect ${id} ${attempt}`)
    note(`end ${id} ${attempt} ${memory}`)
    if (kind === 'fail' || (kind === 'flaky' && attempt === 1)) throw new Error('as planned')
    if (kind === 'give-up') throw new Fail('as planned')
    return attempt
  },
)

/** @param {import('bursar').CurrentJob} job */
function leaveNotes(job) {
  const before = job.checkpoint()
  if (typeof before === 'number' && before >= job.attempt) {
    note(`error attempt ${job.attempt} found the checkpoint of attempt ${before}`)
  }
  try {
    job.checkpoint(job.attempt)
    job.progress(50, 'half')
    job.log('half of it')
  } catch (error) {
    // The attempt is over: that is not its fault.
    if (!(error instanceof Error && 'code' in error && error.code === 'Conflict')) throw error
  }
}

/** @param {(below: number) => number} chance */
async function submit(chance) {
  const key = chance(4) === 0 ? `k${chance(4)}` : '-'
  const changed = {
    memory: `${MEMORY[chance(MEMORY.length)]}MB`,
    priority: PRIORITIES[chance(PRIORITIES.length)] ?? 'normal',
    ...(key === '-' ? {} : { unique: key }),
    ...(chance(5) === 0 ? { delay: `${1 + chance(40)}ms` } : {}),
  }
  const job = await work.options(changed).submit(chance(6_000), KINDS[chance(KINDS.length)] ?? 'ok')
  note(`ack ${job.id} ${key} ${Number(job.deduplicated)}`)
  if (chance(20) === 0) {
    note(`cancel ${job.id}`)
    note(`cancelled ${job.id} ${Number(await job.cancel('as planned'))}`)
  }
}

async function call() {
  const job = await work.submit(0, 'ok')
  note(`ack ${job.id} - 0`)
  await job.result({ timeout: '5s' })
}

const engine = await Engine.open(`sqlite:${part.store}`, {
  memory: '8MB',
  concurrency: 6,
  grace: '200ms',
  name: part.name ?? '',
  run: part.role === 'worker',
  durability: part.durability === 'full' ? 'full' : 'process',
})
process.stdout.write('ready\n')
const chance = chanceOf(BigInt(part.seed ?? 0))
for (let left = Number(part.jobs); left > 0; left -= 1) {
  if (part.role === 'submitter') await submit(chance)
  if (part.role === 'caller') await call()
}
if (part.role !== 'worker') process.stdout.write('submitted\n')

// Waits for the word to stop. Without anybody to say it, it ends as if it were killed.
for await (const line of createInterface({ input: process.stdin })) {
  await engine.shutdown({ grace: `${Math.max(Number(line.split(' ')[1]), 1)}ms` })
  process.stdout.write('stopped\n')
  process.exit(0)
}
process.kill(process.pid, 'SIGKILL')
