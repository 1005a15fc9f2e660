import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentJob, task } from 'bursar'
import { deferred, open, reaches, unique } from './helpers.mjs'

test('clean-up code runs in 20 of 20 cancels', async (t) => {
  const engine = await open(t)
  let cleaned = 0
  const works = task(unique('works'), async () => {
    try {
      await new Promise((_, reject) => {
        const { signal } = currentJob()
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    } finally {
      await null
      cleaned += 1
    }
  })
  for (let round = 0; round < 20; round += 1) {
    const job = await engine.submit(works)
    await reaches(job, 'running')
    assert.equal(await job.cancel(`round ${round}`), true)
    const error = await job.exception()
    assert.deepEqual([error.code, error.message], ['JobCancelled', `round ${round}`])
  }
  await engine.drain()
  assert.equal(cleaned, 20)
})

test('a job that waits is cancelled at once, one that has ended is not', async (t) => {
  const engine = await open(t, { concurrency: 1 })
  const gate = deferred()
  const first = await engine.submit(task(unique('first'), () => gate.promise))
  const second = await engine.submit(task(unique('second'), () => assert.fail('it must not run')))
  const delayed = await engine.submit(task(unique('delayed'), { delay: '1h' }, () => 1))
  assert.equal(await second.cancel(), true)
  assert.equal(await delayed.cancel('no need'), true)
  assert.equal(await second.wait(), 'cancelled')
  assert.equal((await delayed.exception()).message, 'no need')
  assert.equal(await second.cancel(), false)
  gate.resolve()
  await first.result()
  assert.equal(await first.cancel(), false)
})

test('a handler that ignores its cancel is given up on, and keeps its permit until it ends', async (t) => {
  const engine = await open(t, { memory: '64MB', grace: '10ms' })
  const gate = deferred()
  const stubborn = task(unique('stubborn'), { memory: '64MB' }, () => gate.promise)
  const next = task(unique('next'), { memory: '64MB' }, () => 'next')
  const job = await engine.submit(stubborn)
  await reaches(job, 'running')
  await job.cancel()
  assert.equal((await job.exception()).code, 'JobCancelled')

  const waiting = await engine.submit(next)
  assert.match((await waiting.why()).text, /memory: needs 64MB, 0B free of 64MB/)
  assert.equal((await engine.stats()).budget.memory.reserved, 64_000_000)
  gate.resolve('late')
  assert.equal(await waiting.result(), 'next')
  assert.equal((await job.info()).state, 'cancelled')
})

test('the signal has a proper reason, however late it is asked for', async (t) => {
  const engine = await open(t)
  const gate = deferred()
  const seen = deferred()
  const late = task(unique('late'), async () => {
    await gate.promise
    const job = currentJob()
    const { signal } = job
    seen.resolve([signal.aborted, signal.reason.name, signal.reason.message, job.cancelled])
    assert.throws(() => job.raiseIfCancelled(), signal.reason)
    job.raiseIfCancelled()
  })
  const job = await engine.submit(late)
  await reaches(job, 'running')
  await job.cancel('because')
  // The request has come by the turn after this one.
  await new Promise(setImmediate)
  gate.resolve()
  assert.deepEqual(await seen.promise, [true, 'AbortError', 'because', true])
  await job.wait()
})
