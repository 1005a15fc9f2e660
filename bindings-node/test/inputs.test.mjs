import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BursarError, Engine, task } from 'bursar'
import { open, unique } from './helpers.mjs'

/** What is wrong with an option of a task, and all that its error says. */
const TASK_OPTIONS = [
  [{ retrys: 1 }, 'unknown option "retrys": did you mean retries?'],
  [{ retry_delay: 1 }, 'unknown option "retry_delay": did you mean retryDelay?'],
  [
    { memory: '64QB' },
    'memory: unknown unit "QB" in size "64QB": use one of B, KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB',
  ],
  [{ priority: 'urgent' }, /^priority: .*"urgent".*critical, high, normal/],
  [{ retries: -1 }, 'retries=-1: expected a whole number from 0 to 4294967295'],
  [{ retries: Number.NaN }, 'retries=NaN: expected a whole number from 0 to 4294967295'],
  [{ retries: 1.5 }, 'retries=1.5: expected a whole number from 0 to 4294967295'],
  [{ memory: '1e30GB' }, /^memory: size "1e30GB" is out of range/],
  [{ memory: 1e39 }, /^memory=10{39}: expected a size/],
  [{ memory: -1 }, /^memory=-1: expected a size/],
  [{ memory: 0 }, /^memory=0: expected a size/],
  [{ memory: Number.NaN }, /^memory=NaN: expected a size/],
  [{ memory: 2n ** 200n }, /^memory=a bigint beyond 128 bits: expected a size/],
  [{ memory: {} }, /^memory=a mapping: expected a size/],
  [{ memory: [] }, /^memory=an array: expected a size/],
  [{ memory: () => 1 }, /^memory=a function: expected a size/],
  [{ timeout: '5 fortnights' }, /^timeout: unknown unit "fortnights" in duration "5 fortnights"/],
  [{ timeout: Number.POSITIVE_INFINITY }, /^timeout=inf: expected a duration/],
  [{ delay: new Date() }, /^delay=an object: expected a duration/],
  [{ backoff: 'linear' }, /^backoff: unknown backoff "linear": use exponential or fixed/],
  [{ executor: 'gpu' }, /^executor: unknown executor "gpu"/],
  [{ tokens: { gpu: 0 } }, /^tokens\.gpu=0: expected a whole number from 1/],
  [{ tokens: { gpu: {} } }, /^tokens\.gpu=an object: expected a whole number/],
  [{ unique: 'a\0b' }, /^unique="a\\0b": expected text of 1 to 1,000 bytes without NUL/],
]

for (const [options, message] of TASK_OPTIONS) {
  const [[name, value]] = Object.entries(options)
  test(`a task with ${name} ${typeof value} ${String(value).slice(0, 20)} is refused`, async () => {
    const expected = (error) => {
      assert.ok(error instanceof BursarError)
      assert.equal(error.code, 'Invalid')
      if (typeof message === 'string') assert.equal(error.message, message)
      else assert.match(error.message, message)
      return true
    }
    assert.throws(() => task(unique('bad'), options, () => 1), expected)
    assert.throws(() => task(unique('good'), () => 1).options(options), expected)
  })
}

for (const [options, message] of [
  [{ memroy: '1GB' }, 'unknown option "memroy": did you mean memory?'],
  [{ memory: '64QB' }, /unknown unit "QB"/],
  [{ concurrency: 0 }, /^concurrency=0: expected a whole number from 1/],
  [{ concurrency: { fibre: 2 } }, /unknown executor "fibre"/],
  [{ strict: 'yes' }, 'strict="yes": expected true or false'],
  [{ grace: -1 }, /^grace=-1: expected a duration/],
]) {
  test(`an engine with ${JSON.stringify(options)} is refused`, async () => {
    await assert.rejects(Engine.open('memory:', options), { code: 'Invalid', message })
  })
}

test('a URL of no known kind is refused', async () => {
  await assert.rejects(Engine.open('carrier-pigeon:home'), {
    code: 'Invalid',
    message: /"carrier-pigeon:home"/,
  })
})

test('names of tasks are checked', () => {
  for (const name of ['', 'a\0b', 'x'.repeat(201), 'x'.repeat(1_000_000)]) {
    assert.throws(() => task(name, () => 1), { code: 'Invalid', message: /is not a task name/ })
  }
  assert.throws(() => task(7, () => 1), { code: 'Invalid', message: /number was given/ })
  assert.throws(() => task('no function'), { code: 'Invalid', message: /needs a function/ })
  assert.throws(() => task('no function', {}, 'x'), { code: 'Invalid', message: /needs a function/ })
})

test('an unknown task, a missing id and a bad id are told apart', async (t) => {
  const engine = await open(t)
  const known = task(unique('images.resize'), () => 1)
  await engine.submit(known)
  await assert.rejects(engine.submit(known.name.replace('resize', 'resise')), {
    code: 'NotFound',
    message: new RegExp(`did you mean "${known.name}"`),
  })
  await assert.rejects(engine.submit({}), { code: 'Invalid', message: /is not a task/ })
  await assert.rejects(engine.job('019e9c1a-7b1c-7000-8000-00000a1b2c3d'), {
    code: 'NotFound',
    message: /there is no job 019e9c1a/,
  })
  await assert.rejects(engine.job('../etc/passwd'), { code: 'Invalid', message: /is not a job id/ })
  await engine.drain()
})

test('two tasks with one name are a conflict', async (t) => {
  const engine = await open(t)
  const name = unique('twice')
  const [first, second] = [task(name, () => 1), task(name, () => 2)]
  assert.equal(await (await engine.submit(first)).result(), 1)
  await assert.rejects(engine.submit(second), { code: 'Conflict' })
  assert.equal(await (await engine.submit(name)).result(), 1)
})

test('executors that are not there yet say so', { skip: process.platform === 'linux' }, async (t) => {
  const engine = await open(t)
  const elsewhere = task(unique('process'), { executor: 'process', module: import.meta.url }, () => 1)
  await assert.rejects(engine.submit(elsewhere), {
    code: 'Invalid',
    message: /^executor "process" is not available here: use .*async or thread$/,
  })
})

test('filters and pages are checked', async (t) => {
  const engine = await open(t)
  for (const [query, message] of [
    [{ stat: 'failed' }, /unknown option "stat"/],
    [{ state: 'asleep' }, /unknown state "asleep"/],
    [{ priority: 'urgent' }, /urgent/],
    [{ order: 'random' }, /unknown order "random"/],
    [{ limit: 0 }, /limit=0/],
    [{ offset: Number.NaN }, /offset=NaN/],
    [{ cursor: 'x' }, /is not a job id/],
  ]) {
    await assert.rejects(engine.jobs(query), { code: 'Invalid', message })
  }
  await assert.rejects(engine.count({ limit: 3 }), { code: 'Invalid' })
})

test('what is no URL is refused with what it is', async () => {
  const text = 'url must be text such as "sqlite:jobs.db": '
  for (const [url, end] of [
    [{ memory: '64MB' }, 'an object was given; options are the second argument'],
    [['memory:'], 'an array was given; options are the second argument'],
    [3, 'a number was given'],
    [true, 'a boolean was given'],
  ]) {
    const refused = { name: 'BursarError', code: 'Invalid', message: text + end }
    await assert.rejects(Engine.open(url), refused)
  }
})

test('options that are no object are refused rather than taken for none', async (t) => {
  const engine = await open(t)
  const one = task(unique('one'), () => 1)
  const refused = { name: 'BursarError', code: 'Invalid', message: /^options must be an object such as \{/ }
  for (const wrong of [5, '64MB', ['memory'], true]) {
    await assert.rejects(Engine.open('memory:', wrong), refused)
    await assert.rejects(engine.command(['echo'], wrong), refused)
    await assert.rejects(engine.jobs(wrong), refused)
    await assert.rejects(engine.count(wrong), refused)
    assert.throws(() => task(unique('bad'), wrong, () => 1), refused)
    assert.throws(() => one.options(wrong), refused)
  }
})

test('a closed engine refuses all but what its jobs know themselves', async () => {
  const engine = await Engine.open('memory:')
  const one = task(unique('one'), () => 1)
  const job = await engine.submit(one)
  await job.wait()
  await engine.shutdown()
  const closed = { name: 'BursarError', code: 'Closed', message: /open a new one/ }
  await assert.rejects(engine.submit(one), closed)
  await assert.rejects(engine.submitMany(one, [[]]), closed)
  await assert.rejects(engine.command(['echo']), closed)
  await assert.rejects(engine.jobs(), closed)
  await assert.rejects(engine.stats(), closed)
  await assert.rejects(engine.job(job.id), closed)
  await assert.rejects(job.info(), closed)
  await assert.rejects(job.cancel(), closed)
  await assert.rejects(job.retry(), closed)
  assert.equal(await job.result(), 1)
  assert.deepEqual([job.done, await job.state()], [true, 'completed'])
})

test('a refused submit of many leaves nothing behind', async (t) => {
  const engine = await open(t, { strict: true })
  const one = task(unique('one'), () => 1)
  await assert.rejects(engine.submitMany(one, [[1], [() => 1]]), { code: 'Invalid', message: /^argument 0/ })
  assert.equal(await engine.count(), 0)
  assert.deepEqual(await engine.submitMany(one, []), [])
})
