import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BursarError, Cancel, currentJob, Fail, JobFailed, Retry, task } from 'bursar'
import { openTestEngine } from 'bursar/testing'
import { deferred, open, unique } from './helpers.mjs'

class ImageError extends Error {}

test('an async handler that throws is failed, with type, message, stack and cause', async (t) => {
  const engine = await open(t)
  const thrown = new ImageError('the file is no image')
  const bad = task(unique('bad'), async () => {
    await null
    throw thrown
  })
  const job = await engine.submit(bad)
  await assert.rejects(job.result(), (error) => {
    assert.ok(error instanceof JobFailed && error instanceof BursarError)
    assert.equal(error.code, 'JobFailed')
    assert.equal(error.type, 'ImageError')
    assert.equal(error.message, 'the file is no image')
    assert.match(error.traceback, /outcome\.test\.mjs/)
    assert.match(error.stack, /outcome\.test\.mjs/)
    assert.equal(error.cause, thrown)
    assert.equal(error.info.state, 'failed')
    assert.deepEqual(
      [error.info.error.type, error.info.error.message],
      ['ImageError', 'the file is no image'],
    )
    return true
  })
  assert.equal(await job.state(), 'failed')
  assert.equal((await job.exception()).message, 'the file is no image')
})

test('in a strict engine the same failure comes without its cause', async (t) => {
  const engine = await open(t, { strict: true })
  const bad = task(unique('bad'), () => {
    throw new ImageError('no')
  })
  const error = await (await engine.submit(bad)).exception()
  assert.deepEqual([error.type, error.message, error.cause], ['ImageError', 'no', undefined])
  assert.match(error.traceback, /outcome\.test\.mjs/)
})

for (const thrown of ['text', 42, null, undefined, Symbol('s'), { toString: () => 1 }, Object.create(null)]) {
  test(`throwing ${typeof thrown} is a failure too`, async (t) => {
    const engine = await open(t)
    const bad = task(unique('bad'), async () => {
      throw thrown
    })
    const error = await (await engine.submit(bad)).exception()
    assert.equal(error.type, typeof thrown)
    assert.equal(typeof error.message, 'string')
  })
}

test('retries = n runs n + 1 times, after delays that grow', async (t) => {
  const { engine, clock } = await openTestEngine()
  t.after(() => engine.shutdown({ grace: 0 }))
  let runs = 0
  const attempts = []
  const flaky = task(unique('flaky'), { retries: 3, retryDelay: 1 }, () => {
    runs += 1
    attempts.push(currentJob().attempt)
    throw new Error(`attempt ${runs}`)
  })
  const job = await engine.submit(flaky)
  for await (const event of job.events()) {
    if (event.type === 'state' && event.state === 'retrying') clock.advance('1h')
  }
  assert.equal(runs, 4)
  assert.deepEqual(attempts, [1, 2, 3, 4])
  const info = await job.info()
  assert.deepEqual(
    info.attempts.map((attempt) => [attempt.number, attempt.outcome, attempt.error.message]),
    [1, 2, 3, 4].map((number) => [number, 'failed', `attempt ${number}`]),
  )
  assert.equal((await job.exception()).message, 'attempt 4')
})

test('Retry runs it again without spending a retry', async (t) => {
  const { engine, clock } = await openTestEngine()
  t.after(() => engine.shutdown({ grace: 0 }))
  let runs = 0
  const later = task(unique('later'), () => {
    runs += 1
    if (runs < 3) throw new Retry({ delay: '10s' })
    return runs
  })
  const job = await engine.submit(later)
  for await (const event of job.events()) {
    if (event.type === 'state' && event.state === 'scheduled') clock.advance(10)
  }
  assert.equal(await job.result(), 3)
})

test('Fail spends no retries, Cancel ends as cancelled', async (t) => {
  const engine = await open(t)
  let runs = 0
  const fails = task(unique('fails'), { retries: 5 }, () => {
    runs += 1
    throw new Fail('no use')
  })
  const failed = await (await engine.submit(fails)).exception()
  assert.deepEqual([failed.code, failed.type, failed.message, runs], ['JobFailed', 'Fail', 'no use', 1])

  const cancels = task(unique('cancels'), () => {
    throw new Cancel('not today')
  })
  const job = await engine.submit(cancels)
  const cancelled = await job.exception()
  assert.deepEqual([cancelled.code, cancelled.message], ['JobCancelled', 'not today'])
  assert.equal(await job.state(), 'cancelled')
})

test('a timeout aborts the signal and fails the job', async (t) => {
  const engine = await open(t)
  const reasons = []
  const slow = task(unique('slow'), { timeout: '20ms' }, async () => {
    const { signal } = currentJob()
    const stopped = deferred()
    signal.addEventListener('abort', stopped.resolve)
    await stopped.promise
    reasons.push([signal.reason.name, currentJob().cancelled])
    return 'too late'
  })
  const error = await (await engine.submit(slow)).exception()
  assert.equal(error.code, 'JobTimedOut')
  assert.match(error.message, /20ms/)
  assert.deepEqual(reasons, [['TimeoutError', true]])
})

test('dead letters are listed, retried as new jobs, and deleted', async (t) => {
  const engine = await open(t)
  let healed = false
  const heals = task(unique('heals'), (name) => {
    if (!healed) throw new Error('not yet')
    return name
  })
  const job = await engine.submit(heals, 'x')
  await job.wait()
  const [dead] = await engine.jobs({ state: 'failed' })
  assert.equal(dead.id, job.id)

  healed = true
  const again = await job.retry()
  assert.equal(await again.result(), 'x')
  assert.equal((await again.info()).retryOf, job.id)
  assert.equal(await job.state(), 'failed')

  await job.delete()
  await assert.rejects(job.info(), { code: 'NotFound' })
  await assert.rejects(again.retry(), { code: 'Conflict' })
})

test('a thenable that ends twice ends its job once', async (t) => {
  const engine = await open(t)
  const odd = task(unique('odd'), () => ({
    // biome-ignore lint/suspicious/noThenProperty: this is what the test is about
    then(resolve, reject) {
      resolve(1)
      reject(new Error('no'))
      resolve(2)
    },
  }))
  assert.equal(await (await engine.submit(odd)).result(), 1)
  assert.deepEqual((await engine.stats()).jobs.completed, 1)
})
