import assert from 'node:assert/strict'
import { test } from 'node:test'
import { task } from 'bursar'
import { deferred, open, reaches, unique } from './helpers.mjs'

test('eight jobs of the default 32 MB fill a pool of 256 MB; the ninth waits and says so', async (t) => {
  const engine = await open(t, { memory: '256MB' })
  const gate = deferred()
  const wait = task(unique('wait'), () => gate.promise)
  const jobs = await engine.submitMany(
    wait,
    Array.from({ length: 9 }, () => []),
  )
  await reaches(jobs[7], 'running')

  const why = await jobs[8].why()
  assert.equal(why.state, 'queued')
  assert.match(why.text, /memory: needs 32MB, 0B free of 256MB, held by/)
  const [reason] = why.reasons
  assert.equal(reason.kind, 'budget')
  assert.deepEqual(
    [reason.dimension, reason.needs, reason.free, reason.total],
    ['memory', 32_000_000, 0, 256_000_000],
  )
  assert.equal(reason.heldBy.length, 8)

  const stats = await engine.stats()
  assert.deepEqual([stats.jobs.running, stats.jobs.queued], [8, 1])
  assert.equal(stats.budget.memory.reserved, 256_000_000)

  gate.resolve('done')
  assert.deepEqual(await Promise.all(jobs.map((job) => job.result())), Array(9).fill('done'))
  assert.equal((await engine.stats()).budget.memory.reserved, 0)
})

test('a job that could never fit is refused with both numbers', async (t) => {
  const engine = await open(t, { memory: '256MB' })
  const huge = task(unique('huge'), { memory: '300MB' }, () => 1)
  await assert.rejects(engine.submit(huge), (error) => {
    assert.equal(error.name, 'BursarError')
    assert.equal(error.code, 'BudgetExceeded')
    assert.match(error.message, /300MB.*256MB/)
    return true
  })
  assert.equal(await engine.count(), 0)
  await assert.rejects(engine.submitMany(huge, [[], []]), { code: 'BudgetExceeded' })
  const smaller = huge.options({ memory: '1MB' })
  assert.equal(await (await engine.submit(smaller)).result(), 1)
  await assert.rejects(engine.submit(smaller.options({ memory: '257MB' })), { code: 'BudgetExceeded' })
})

test('a 256 MB job behind a stream of 32 MB jobs starts within the bound', async (t) => {
  const engine = await open(t, { memory: '256MB' })
  let passed = 0
  let bigStarted = false
  const pending = new Set()
  const small = task(unique('small'), { memory: '32MB' }, async () => {
    if (!bigStarted) passed += 1
    await null
    // An endless stream: whoever ends sends the next one.
    if (!bigStarted) pending.add(await engine.submit(small))
  })
  const big = task(unique('big'), { memory: '256MB' }, () => {
    bigStarted = true
  })
  await engine.submitMany(
    small,
    Array.from({ length: 16 }, () => []),
  )
  const job = await engine.submit(big)
  await job.result()
  // 8 that ran, 64 that may pass, and as many again that held what it needed.
  assert.ok(passed <= 8 + 16 + 64 + 8, `${passed} small jobs ran before the big one`)
  await engine.drain()
})

test('tokens and concurrency are shared out', async (t) => {
  const engine = await open(t, { tokens: { gpu: 1 }, concurrency: { async: 3 } })
  let most = 0
  let running = 0
  const count = async () => {
    running += 1
    most = Math.max(most, running)
    await null
    running -= 1
  }
  const withToken = task(unique('gpu'), { tokens: { gpu: 1 } }, count)
  await engine.submitMany(
    withToken,
    Array.from({ length: 20 }, () => []),
  )
  await engine.drain()
  assert.equal(most, 1)

  most = 0
  const free = task(unique('free'), count)
  await engine.submitMany(
    free,
    Array.from({ length: 20 }, () => []),
  )
  await engine.drain()
  assert.equal(most, 3)
})

test('priorities are strict, first-in first-out within one', async (t) => {
  const engine = await open(t, { concurrency: { async: 1 } })
  const gate = deferred()
  const order = []
  const first = task(unique('first'), () => gate.promise)
  const note = task(unique('note'), (name) => {
    order.push(name)
  })
  await engine.submit(first)
  for (const priority of ['low', 'normal', 'high', 'critical']) {
    const prioritized = note.options({ priority })
    await engine.submit(prioritized, `${priority} 1`)
    await engine.submit(prioritized, `${priority} 2`)
  }
  gate.resolve()
  await engine.drain()
  const expected = ['critical', 'high', 'normal', 'low'].flatMap((name) => [`${name} 1`, `${name} 2`])
  assert.deepEqual(order, expected)
})
