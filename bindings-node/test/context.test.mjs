import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { currentJob, Engine, task } from 'bursar'
import { promiseScope, storageScope } from '../dist/scope.js'
import { deferred, open, unique } from './helpers.mjs'

test('a job knows itself', async (t) => {
  const engine = await open(t, { memory: '1GB' })
  const asks = task(unique('asks'), { memory: '64MB', timeout: '1h' }, async () => {
    const job = currentJob()
    job.progress(50, 'halfway')
    job.log('hello')
    job.log('careful', 'warn')
    await null
    assert.equal(currentJob(), job)
    const { id, attempt, task, memory, deadline, cancelled, daemon, signal } = job
    return { id, attempt, task, memory, deadline, cancelled, daemon, aborted: signal.aborted }
  })
  const before = Date.now()
  const job = await engine.submit(asks)
  const { deadline, ...facts } = await job.result()
  assert.ok(deadline.getTime() >= before + 3_600_000 && deadline.getTime() <= Date.now() + 3_600_000)
  assert.deepEqual(facts, {
    id: job.id,
    attempt: 1,
    task: asks.name,
    memory: 64_000_000,
    cancelled: false,
    daemon: false,
    aborted: false,
  })
  assert.deepEqual(job.progress, { percent: 50, message: 'halfway' })
  const logs = await job.logs()
  assert.deepEqual(
    logs.map(({ attempt, level, message }) => [attempt, level, message]),
    [
      [1, 'info', 'hello'],
      [1, 'warn', 'careful'],
    ],
  )
  assert.ok(logs[0].at instanceof Date)
})

test('each job finds itself across awaits, and nobody else finds one', async (t) => {
  const engine = await open(t)
  const inner = async () => {
    await new Promise(setImmediate)
    return currentJob().id
  }
  const asks = task(unique('asks'), async () => {
    const ids = [currentJob().id]
    await null
    ids.push(currentJob().id)
    await new Promise(setImmediate)
    ids.push(currentJob().id)
    ids.push(...(await Promise.all([inner(), inner().then((id) => id)])))
    await assert.rejects(Promise.reject(new Error('x')))
    ids.push(currentJob().id)
    return new Set(ids)
  })
  const jobs = await Promise.all(Array.from({ length: 50 }, () => engine.submit(asks)))
  for (const job of jobs) assert.deepEqual(await job.result(), new Set([job.id]))
  assert.throws(() => currentJob(), { code: 'Conflict', message: /no current job/ })
})

for (const [name, make] of Object.entries({ promiseScope, storageScope })) {
  test(`${name} follows awaits and nothing else`, async () => {
    const scope = make()
    const walk = async () => {
      const seen = [scope.current()]
      await null
      seen.push(scope.current())
      await new Promise(setImmediate)
      seen.push(scope.current())
      // biome-ignore lint/suspicious/noThenProperty: other thenables are awaited too
      await { then: (resolve) => resolve() }
      seen.push(scope.current())
      return seen
    }
    const walks = ['a', 'b', 'c'].map((mark) => scope.enter(mark, walk))
    assert.equal(scope.current(), undefined)
    assert.deepEqual(
      await Promise.all(walks),
      ['a', 'b', 'c'].map((mark) => Array(4).fill(mark)),
    )
    assert.equal(scope.current(), undefined)
    scope.rest()
    assert.deepEqual(await scope.enter('again', walk), Array(4).fill('again'))
    assert.throws(() =>
      scope.enter('d', () => {
        throw new Error('x')
      }),
    )
    assert.equal(scope.current(), undefined)
    scope.enter('e', () => scope.enter('f', () => assert.equal(scope.current(), 'f')))
  })
}

test('jobs run outside of their submitters and of each other', async (t) => {
  const engine = await open(t)
  const request = new AsyncLocalStorage()
  const asks = task(unique('asks'), async () => [request.getStore(), await null, request.getStore()])
  const jobs = await request.run('request 1', () => Promise.all([engine.submit(asks), engine.submit(asks)]))
  for (const job of jobs) assert.deepEqual(await job.result(), [undefined, null, undefined])
  const seen = await request.run('request 2', async () => {
    await (await engine.submit(asks)).result()
    return request.getStore()
  })
  assert.equal(seen, 'request 2')
})

test('once it is over nothing more can be said of it', async (t) => {
  const engine = await open(t)
  const left = deferred()
  const leaves = task(unique('leaves'), () => {
    left.resolve(currentJob())
  })
  await (await engine.submit(leaves)).result()
  const job = await left.promise
  const over = { code: 'Conflict', message: /this attempt is over/ }
  assert.throws(() => job.progress(1), over)
  assert.throws(() => job.log('x'), over)
  assert.throws(() => job.checkpoint(1), over)
  assert.throws(() => job.id, over)
  assert.equal(job.cancelled, false)
})

test('progress and checkpoints are checked', async (t) => {
  const engine = await open(t)
  const asks = task(unique('asks'), () => {
    const job = currentJob()
    assert.throws(() => job.progress(101), { code: 'Invalid', message: /progress 101 is out of range/ })
    assert.throws(() => job.progress(Number.NaN), { code: 'Invalid' })
    assert.throws(() => job.checkpoint('x'.repeat(2 ** 20)), {
      code: 'Invalid',
      message: /1048578 bytes.*1048576/,
    })
    assert.throws(() => job.checkpoint({ a: new Map() }), { code: 'Invalid', message: /^checkpoint\.a/ })
    assert.equal(job.checkpoint(), undefined)
  })
  await (await engine.submit(asks)).result()
})

test('a checkpoint survives the attempt', async (t) => {
  const engine = await open(t)
  const counts = task(unique('counts'), { retries: 2, retryDelay: '1ms', backoff: 'fixed' }, () => {
    const job = currentJob()
    const { done } = job.checkpoint() ?? { done: 0 }
    job.checkpoint({ done: done + 1 })
    if (done < 2) throw new Error('not yet')
    return job.checkpoint()
  })
  assert.deepEqual(await (await engine.submit(counts)).result(), { done: 3 })
})

test('a task goes to the newest open engine, and inside of a job to its own', async (t) => {
  const older = await open(t)
  const newer = await open(t)
  const child = task(unique('child'), () => 'child')
  const parent = task(unique('parent'), async () => (await child.submit()).id)
  assert.ok(await newer.job((await child.submit()).id))
  const job = await older.submit(parent)
  const id = await job.result()
  assert.equal((await older.job(id)).id, id)
  await assert.rejects(newer.job(id), { code: 'NotFound' })

  const last = await Engine.open('memory:')
  await last.shutdown()
  assert.ok(await newer.job((await child.submit()).id))
})
