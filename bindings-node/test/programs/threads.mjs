// Tasks for worker threads; see threads.test.mjs.
import { threadId } from 'node:worker_threads'
import { Cancel, currentJob, Engine, Fail, Retry, task } from 'bursar'

const here = { executor: 'thread', module: import.meta.url }

/** What a worker remembers from one job to the next. */
const kept = []

export const echo = task('threads.echo', here, (...args) => args)
export const give = task('threads.give', here, async (kind) => {
  await null
  return { nothing: undefined, zero: -0, large: 2n ** 70n, long: 'x'.repeat(200_000), work: () => {} }[kind]
})
export const where = task('threads.where', here, () => threadId)
export const later = task('threads.later', here, async (ms, value) => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return [value, currentJob().task]
})
export const noop = task('threads.noop', here, () => {})
export const busy = task('threads.busy', here, (ms) => {
  for (const end = Date.now() + ms; Date.now() < end; );
  return threadId
})
export const spin = task('threads.spin', here, () => {
  currentJob().log('spinning')
  while (true);
})
export const spinLater = task('threads.spinLater', here, async () => {
  await null
  while (true);
})
export const throws = task('threads.throws', here, (kind) => {
  if (kind === 'class') throw new (class Odd extends RangeError {})('out of range')
  if (kind === 'fail') throw new Fail('no retry will help')
  if (kind === 'cancel') throw new Cancel('not wanted')
  if (kind === 'retry' && currentJob().attempt < 3) throw new Retry({ delay: '1ms' })
  if (kind === 'function') throw Object.assign(new TypeError('held a function'), { work: () => {} })
  if (kind === 'nothing') throw undefined
  return currentJob().attempt
})
export const facts = task('threads.facts', here, async () => {
  const job = currentJob()
  const { id, attempt, task, memory, deadline, cancelled, daemon } = job
  job.progress(50, 'half')
  job.log('a line', 'warning')
  return { id, attempt, task, memory, deadline, cancelled, daemon }
})
export const resumes = task('threads.resumes', { ...here, retries: 1, retryDelay: '1ms' }, () => {
  const job = currentJob()
  const state = job.checkpoint()
  if (state) return state
  job.checkpoint({ reached: 7 })
  if (job.checkpoint().reached !== 7) throw new Fail('it is not read back')
  throw new Error('again')
})
export const waits = task('threads.waits', here, () => {
  const { signal } = currentJob()
  currentJob().progress(1)
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
})
export const exits = task('threads.exits', here, (code) => process.exit(code))
export const breaks = task('threads.breaks', here, () => {
  setTimeout(() => {
    throw new RangeError('in a timer')
  })
  return new Promise(() => {})
})
export const rejects = task('threads.rejects', here, () => {
  Promise.reject(new RangeError('nobody handles it'))
  return new Promise(() => {})
})
let armed = false
/** Its job is long over when this breaks the worker: once another job has armed it. */
export const leaves = task('threads.leaves', here, (how) => {
  setInterval(() => {
    if (!armed) return
    if (how === 'exit') process.exit(5)
    throw new Error('left behind')
  }, 1)
})
export const arms = task('threads.arms', here, async () => {
  armed = true
  await new Promise((resolve) => setTimeout(resolve, 200))
  return 'unharmed'
})
export const grows = task('threads.grows', here, (megabytes) => {
  for (let n = 0; n < megabytes; n += 1) kept.push(new Array(131_072).fill(n + 0.5))
  const length = kept.length
  kept.length = 0
  return length
})
/** What it makes stays in the worker. */
export const leaks = task('threads.leaks', here, (megabytes) => {
  for (let n = 0; n < megabytes; n += 1) kept.push(new Array(131_072).fill(n + 0.5))
})
export const stale = task('threads.stale', here, async () => {
  const job = currentJob()
  kept.push(job)
  return kept.length
})
export const staleUse = task('threads.staleUse', here, () => {
  try {
    kept.pop()?.log('too late')
  } catch (error) {
    return error.code
  }
})
export const opens = task('threads.opens', here, () => Engine.open('memory:'))
export const submits = task('threads.submits', here, () => noop.submit())
