import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentJob, Engine, task } from 'bursar'
import { deferred, open, reaches, unique } from './helpers.mjs'

test('a wait that times out runs nothing again and leaves the job alone', async (t) => {
  const engine = await open(t)
  const gate = deferred()
  let runs = 0
  const slow = task(unique('slow'), async () => {
    runs += 1
    return gate.promise
  })
  const job = await engine.submit(slow)
  await assert.rejects(job.result({ timeout: '10ms' }), (error) => {
    assert.deepEqual([error.name, error.code], ['TimeoutError', 'Timeout'])
    assert.match(error.message, /did not end within 0\.01 s/)
    return true
  })
  await assert.rejects(job.wait({ timeout: 0.01 }), { name: 'TimeoutError' })
  await assert.rejects(job.exception({ timeout: 0.01 }), { name: 'TimeoutError' })
  assert.equal(await job.state(), 'running')
  gate.resolve('done')
  assert.equal(await job.result({ timeout: '1m' }), 'done')
  assert.equal(runs, 1)
})

test('an abort ends the wait with its reason, before and during', async (t) => {
  const engine = await open(t)
  const gate = deferred()
  const job = await engine.submit(task(unique('slow'), () => gate.promise))
  const reason = new Error('the user left')
  await assert.rejects(job.result({ signal: AbortSignal.abort(reason) }), reason)

  const controller = new AbortController()
  const waiting = job.result({ signal: controller.signal })
  controller.abort(reason)
  await assert.rejects(waiting, reason)
  await assert.rejects(job.result({ signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
  gate.resolve(1)
  assert.equal(await job.result({ signal: new AbortController().signal }), 1)
})

test('a bad timeout is refused with its value', async (t) => {
  const engine = await open(t)
  const job = await engine.submit(task(unique('one'), () => 1))
  await assert.rejects(job.result({ timeout: '5 fortnights' }), { code: 'Invalid', message: /fortnights/ })
  await assert.rejects(job.wait({ timeout: -1 }), { code: 'Invalid', message: /timeout=-1/ })
  await engine.drain()
})

/** What is no option of a wait, and all that its error says. */
const NO_OPTIONS = [
  [100, "options must be an object such as { timeout: '10s' }: a number was given"],
  ['10s', "options must be an object such as { timeout: '10s' }: a string was given"],
  [new AbortController().signal, 'options must be an object such as { signal }: a signal itself was given'],
  [{ timeOut: '100ms' }, 'unknown option "timeOut": the options are timeout, signal'],
  [{ signal: new AbortController() }, /^signal must be an AbortSignal, .*: an object was given$/],
]

for (const [options, message] of NO_OPTIONS) {
  const shown = typeof options === 'object' ? Object.keys(options)[0] : JSON.stringify(options)
  test(`a wait with ${shown} is refused, not endless`, { timeout: 30_000 }, async (t) => {
    const engine = await open(t)
    const gate = deferred()
    const runs = await engine.submit(task(unique('slow'), () => gate.promise))
    const ended = await engine.submit(task(unique('one'), () => 1))
    await ended.wait()
    const refused = { code: 'Invalid', message }
    for (const job of [runs, ended])
      for (const wait of ['result', 'wait', 'exception', 'openResult'])
        await assert.rejects(job[wait](options), refused, wait)
    await assert.rejects(engine.drain(options), refused)
    gate.resolve()
    await Promise.all([runs.wait(null), runs.result({}), ended.wait(null), engine.drain(null)])
  })
}

test('a shutdown with wrong options is refused, and shuts nothing down', async (t) => {
  const engine = await open(t)
  const refused = (message) => ({ code: 'Invalid', message })
  await assert.rejects(engine.shutdown(5), refused(/^options must be an object such as { grace: '10s' }/))
  await assert.rejects(engine.shutdown({ gracee: 0 }), refused(/^unknown option "gracee"/))
  await assert.rejects(engine.shutdown({ signal: 5 }), refused(/^signal must be an AbortSignal/))
  assert.equal(engine.closed, false)
})

test('N slots with N parents that each wait for a child finish', async (t) => {
  const engine = await open(t, { concurrency: 4 })
  const child = task(unique('child'), async (n) => n * 10)
  const parent = task(unique('parent'), async (n) => {
    const job = await child.submit(n)
    return (await job.result()) + 1
  })
  const jobs = await engine.submitMany(
    parent,
    [0, 1, 2, 3].map((n) => [n]),
  )
  const results = await Promise.all(jobs.map((job) => job.result()))
  assert.deepEqual(results, [1, 11, 21, 31])
})

test('a parent may wait for many children at once, with one slot', async (t) => {
  const engine = await open(t, { concurrency: 1 })
  const child = task(unique('child'), async (n) => n)
  const parent = task(unique('parent'), async () => {
    const jobs = await child.submitMany([1, 2, 3].map((n) => [n]))
    const sum = (await Promise.all(jobs.map((job) => job.result()))).reduce((a, b) => a + b)
    assert.equal((await engine.stats()).concurrency.async.reserved, 1)
    return sum
  })
  assert.equal(await (await engine.submit(parent)).result(), 6)
})

test('a wait inside a job that could never end is a clear error', async (t) => {
  const engine = await open(t, { memory: '64MB' })
  const child = task(unique('child'), { memory: '64MB' }, () => 1)
  const parent = task(unique('parent'), { memory: '64MB' }, async () => {
    const job = await child.submit()
    try {
      return await job.result()
    } catch (error) {
      return error.code
    }
  })
  assert.equal(await (await engine.submit(parent)).result(), 'Conflict')
})

test('100 concurrent callers each get their own result', async (t) => {
  const engine = await open(t, { concurrency: 7 })
  const echo = task(unique('echo'), async (n) => {
    for (let step = 0; step < n % 5; step += 1) await null
    return { n }
  })
  const call = async (n) => (await (await engine.submit(echo, n)).result()).n
  const numbers = Array.from({ length: 100 }, (_, n) => n)
  assert.deepEqual(await Promise.all(numbers.map(call)), numbers)
})

test('drain waits for all, and can be given up', async (t) => {
  const engine = await open(t)
  const gate = deferred()
  const job = await engine.submit(task(unique('slow'), () => gate.promise))
  await assert.rejects(engine.drain({ timeout: '5ms' }), { name: 'TimeoutError' })
  await assert.rejects(engine.drain({ signal: AbortSignal.abort(new Error('enough')) }), {
    message: 'enough',
  })
  gate.resolve()
  await engine.drain({ timeout: '1m' })
  assert.equal(job.done, true)
  await engine.drain()
})

test('shutdown waits for what runs, and what waits ends with the engine', async () => {
  const engine = await Engine.open('memory:', { concurrency: 1 })
  const gate = deferred()
  const runs = await engine.submit(task(unique('runs'), () => gate.promise))
  const waits = await engine.submit(task(unique('waits'), () => 1))
  await reaches(runs, 'running')
  const closing = engine.shutdown()
  assert.equal(engine.closed, true)
  gate.resolve('in time')
  await closing
  assert.equal(await runs.result(), 'in time')
  assert.equal((await waits.exception()).code, 'JobCancelled')
  await engine.shutdown()
})

test('shutdown with a grace of 0, or an abort, asks what runs to stop', async () => {
  for (const options of [{ grace: 0 }, { signal: AbortSignal.abort() }]) {
    const engine = await Engine.open('memory:')
    const stops = task(unique('stops'), async () => {
      const { signal } = currentJob()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    })
    const job = await engine.submit(stops)
    await reaches(job, 'running')
    await engine.shutdown(options)
    assert.equal((await job.exception()).code, 'JobCancelled')
  }
})

test('the end of an await using block waits for jobs in memory', async () => {
  const done = []
  const note = task(unique('note'), async (n) => {
    await null
    done.push(n)
  })
  {
    const engine = await Engine.open('memory:', { concurrency: 1 })
    await engine.submitMany(
      note,
      [1, 2, 3].map((n) => [n]),
    )
    await engine[Symbol.asyncDispose]()
  }
  assert.deepEqual(done, [1, 2, 3])
})
