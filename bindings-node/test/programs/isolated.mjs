// Tasks for worker threads, and the same for processes; see scenes.mjs beside the tests.
import { Cancel, currentJob, Engine, Fail, Retry, task } from 'bursar'
import { place } from './modules/place.cjs'

/** What a worker remembers from one job to the next. */
const kept = []
let armed = false

function throwOne(kind, attempt) {
  if (kind === 'class') throw new (class Odd extends RangeError {})('out of range')
  if (kind === 'fail') throw new Fail('no retry will help')
  if (kind === 'cancel') throw new Cancel('not wanted')
  if (kind === 'retry' && attempt < 3) throw new Retry({ delay: '1ms' })
  if (kind === 'function') throw Object.assign(new TypeError('held a function'), { work: () => {} })
  if (kind === 'nothing') throw undefined
}

function tasks(executor) {
  const declare = (name, options, handler) =>
    task(`${executor}.${name}`, { executor, module: import.meta.url, ...options }, handler)

  const echo = declare('echo', {}, (...args) => args)
  const give = declare('give', {}, async (kind) => {
    await null
    return { nothing: undefined, zero: -0, large: 2n ** 70n, long: 'x'.repeat(200_000), work: () => {} }[kind]
  })
  const where = declare('where', {}, place)
  const later = declare('later', {}, async (ms, value) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return [value, currentJob().task]
  })
  const noop = declare('noop', {}, () => {})
  const busy = declare('busy', {}, (ms) => {
    for (const end = Date.now() + ms; Date.now() < end; );
    return place()
  })
  const spin = declare('spin', {}, () => {
    currentJob().log('spinning')
    while (true);
  })
  const spinLater = declare('spinLater', {}, async () => {
    await null
    while (true);
  })
  const throws = declare('throws', {}, (kind) => {
    const { attempt } = currentJob()
    throwOne(kind, attempt)
    return attempt
  })
  const facts = declare('facts', {}, async () => {
    const job = currentJob()
    const { id, attempt, task, memory, deadline, cancelled, daemon } = job
    job.progress(50, 'half')
    job.log('a line', 'warning')
    return { id, attempt, task, memory, deadline, cancelled, daemon }
  })
  const resumes = declare('resumes', { retries: 1, retryDelay: '1ms' }, () => {
    const job = currentJob()
    const state = job.checkpoint()
    if (state) return state
    job.checkpoint({ reached: 7 })
    if (job.checkpoint().reached !== 7) throw new Fail('it is not read back')
    throw new Error('again')
  })
  const waits = declare('waits', {}, () => {
    const { signal } = currentJob()
    currentJob().progress(1)
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  })
  const exits = declare('exits', {}, (code) => process.exit(code))
  const breaks = declare('breaks', {}, () => {
    setTimeout(() => {
      throw new RangeError('in a timer')
    })
    return new Promise(() => {})
  })
  const rejects = declare('rejects', {}, () => {
    Promise.reject(new RangeError('nobody handles it'))
    return new Promise(() => {})
  })
  /** Its job is long over when this breaks the worker: once another job has armed it. */
  const leaves = declare('leaves', {}, (how) => {
    setInterval(() => {
      if (!armed) return
      if (how === 'exit') process.exit(5)
      throw new Error('left behind')
    }, 1)
  })
  const arms = declare('arms', {}, async () => {
    armed = true
    await new Promise((resolve) => setTimeout(resolve, 200))
    return 'unharmed'
  })
  const grows = declare('grows', {}, (megabytes) => {
    for (let n = 0; n < megabytes; n += 1) kept.push(new Array(131_072).fill(n + 0.5))
    const length = kept.length
    kept.length = 0
    return length
  })
  /** What it makes stays in the worker. */
  const leaks = declare('leaks', {}, (megabytes) => {
    for (let n = 0; n < megabytes; n += 1) kept.push(new Array(131_072).fill(n + 0.5))
  })
  const stale = declare('stale', {}, async () => {
    const job = currentJob()
    kept.push(job)
    return kept.length
  })
  const staleUse = declare('staleUse', {}, () => {
    try {
      kept.pop()?.log('too late')
    } catch (error) {
      return error.code
    }
  })
  const opens = declare('opens', {}, () => Engine.open('memory:'))
  const submits = declare('submits', {}, () => noop.submit())
  return {
    echo,
    give,
    where,
    later,
    noop,
    busy,
    spin,
    spinLater,
    throws,
    facts,
    resumes,
    waits,
    exits,
    breaks,
    rejects,
    leaves,
    arms,
    grows,
    leaks,
    stale,
    staleUse,
    opens,
    submits,
  }
}

export const onThreads = tasks('thread')
export const onProcesses = tasks('process')
