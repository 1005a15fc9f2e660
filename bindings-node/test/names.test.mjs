import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Engine, task } from 'bursar'
import { folder, open, run, unique } from './helpers.mjs'

/** A file that goes when the test ends. */
const file = (t) => `sqlite:${join(folder(t), 'jobs.db')}`

test('names: a program submits what only another one knows', async (t) => {
  const url = file(t)
  const name = unique('names.shout')
  const submitted = await run('names.mjs', 'submit', url, name)
  assert.equal(submitted.code, 0, submitted.errors)
  const [one, two, three, why] = submitted.output.split('\n')
  assert.match(why, new RegExp(`queued: .*no task "${name}"`))
  const engine = await Engine.open(url)
  task(name, async (text, times = 1) => text.toUpperCase().repeat(times))
  const jobs = await Promise.all([one, two, three].map((id) => engine.job(id)))
  assert.deepEqual(await Promise.all(jobs.map((job) => job.result())), ['AA', 'B', 'CCC'])
  await engine.shutdown()
})

test('names: the result comes from a program that knows the task', async (t) => {
  const url = file(t)
  const name = unique('names.far')
  const engine = await open(t, {}, url)
  const job = await engine.submit(name, 'a', 2)
  const why = await job.why()
  assert.deepEqual([why.state, why.reasons.map((reason) => reason.kind)], ['queued', ['notHere']])
  assert.match(why.text, /no task/)
  assert.deepEqual([`${why}`, Object.keys(why).sort()], [why.text, ['reasons', 'state', 'text']])
  const [result, worked] = await Promise.all([job.result(), run('names.mjs', 'work', url, name)])
  assert.deepEqual(result, { text: 'AA' })
  assert.equal(worked.code, 0, worked.errors)
  await engine.drain()
})

test('names: a job waits until its task is defined here', async (t) => {
  const engine = await open(t, {}, file(t))
  const name = unique('names.later')
  const jobs = [await engine.submit(name, 1), ...(await engine.submitMany(name, [[2], [3]]))]
  assert.equal((await engine.stats()).jobs.queued, 3)
  task(name, (number) => number + 1)
  assert.deepEqual(await Promise.all(jobs.map((job) => job.result())), [2, 3, 4])
  assert.equal(await (await engine.submit(name, 4)).result(), 5)
})

test('names: a declared task brings its options', async (t) => {
  const declared = task(
    unique('names.mine'),
    { memory: '1MB', retries: 2, unique: 'mine {0}' },
    (text) => text,
  )
  for (const url of [file(t), 'memory:']) {
    const engine = await open(t, { memory: '64MB' }, url)
    const job = await engine.submit(declared.name, 'a')
    const { demand, retries, unique: key } = await job.info()
    assert.deepEqual([demand.memory, retries, key], [1_000_000, 2, 'mine a'])
    assert.equal(await job.result(), 'a')
  }
})

test('names: in memory nobody else can run it', async (t) => {
  const engine = await open(t)
  const declared = task(unique('names.shout'), () => 1)
  await engine.submit(declared)
  const refused = {
    code: 'NotFound',
    message: new RegExp(`no task "names.shuot" .*did you mean "${declared.name}".*sqlite:jobs.db`),
  }
  await assert.rejects(engine.submit('names.shuot', 1), refused)
  await assert.rejects(engine.submitMany('names.shuot', [[1]]), refused)
  assert.equal(await engine.count(), 1)
})

test('names: what is no name, and what JSON cannot carry, is refused', async (t) => {
  const engine = await open(t, { run: false }, file(t))
  for (const name of ['', 'a\0b', 'x'.repeat(201)]) {
    await assert.rejects(engine.submit(name), { code: 'Invalid', message: /is not a task name/ })
  }
  await assert.rejects(engine.submit(unique('names.far'), new Map()), { code: 'Invalid' })
  assert.equal(await engine.count(), 0)
})
