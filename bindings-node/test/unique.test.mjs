import assert from 'node:assert/strict'
import { test } from 'node:test'
import { task } from 'bursar'
import { deferred, open, unique } from './helpers.mjs'

test('3,000 rounds of 8 concurrent submits with one key make one job each', async (t) => {
  const engine = await open(t)
  let runs = 0
  const count = task(unique('count'), { unique: 'count:{0}' }, async (round) => {
    runs += 1
    await null
    return round
  })
  for (let round = 0; round < 3_000; round += 1) {
    const jobs = await Promise.all(Array.from({ length: 8 }, () => engine.submit(count, round)))
    assert.equal(new Set(jobs.map((job) => job.id)).size, 1)
    assert.equal(jobs.filter((job) => job.deduplicated).length, 7)
    const results = await Promise.all(jobs.map((job) => job.result()))
    assert.deepEqual(results, Array(8).fill(round))
  }
  assert.equal(runs, 3_000)
})

test('a key may be text, a template or a function; it is free again once its job has ended', async (t) => {
  const engine = await open(t)
  for (const key of ['fixed', '{0}/{1}', (a, b) => `${a}-${b}`]) {
    const gate = deferred()
    const wait = task(unique('wait'), { unique: key }, () => gate.promise)
    const first = await engine.submit(wait, 'a', 1)
    const second = await engine.submit(wait, 'a', 1)
    assert.deepEqual([first.id === second.id, first.deduplicated, second.deduplicated], [true, false, true])
    const [third] = await engine.submitMany(wait, [['a', 1]])
    assert.equal(third.deduplicated, true)
    gate.resolve('x')
    assert.deepEqual([await first.result(), await second.result(), await third.result()], ['x', 'x', 'x'])
    assert.equal((await engine.submit(wait, 'a', 1)).deduplicated, false)
    await engine.drain()
  }
})

test('a key that can not be made is refused', async (t) => {
  const engine = await open(t)
  const name = unique('key')
  assert.throws(() => task(name, { unique: 'a:{name}' }, () => 1), {
    code: 'Invalid',
    message: /"a:\{name\}"/,
  })
  assert.throws(() => task(name, { unique: '{' }, () => 1), { code: 'Invalid' })
  assert.throws(() => task(name, { unique: '' }, () => 1), { code: 'Invalid' })
  const byPlace = task(name, { unique: 'a:{1}' }, () => 1)
  await assert.rejects(engine.submit(byPlace, 'x'), { code: 'Invalid', message: /argument 1 is missing/ })
  await assert.rejects(engine.submit(byPlace, 'x', {}), {
    code: 'Invalid',
    message: /argument 1 is a object/,
  })
  const byFunction = byPlace.options({ unique: () => 7 })
  await assert.rejects(engine.submit(byFunction, 'x'), { code: 'Invalid' })
  assert.equal(await engine.count(), 0)
})
