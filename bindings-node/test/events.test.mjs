import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentJob, task } from 'bursar'
import { deferred, open, reaches, unique } from './helpers.mjs'

async function collect(events) {
  const seen = []
  for await (const event of events) seen.push(event.type === 'state' ? event.state : event)
  return seen
}

test('the events of a job begin with its state and end with its end', async (t) => {
  const engine = await open(t, { concurrency: 1 })
  const gate = deferred()
  const blocker = await engine.submit(task(unique('blocker'), () => gate.promise))
  const talks = task(unique('talks'), () => {
    currentJob().progress(10, 'begun')
    currentJob().log('hello', 'debug')
  })
  const job = await engine.submit(talks)
  const early = collect(job.events())
  await reaches(blocker, 'running')
  gate.resolve()
  const [queued, running, progress, log, completed, ...rest] = await early
  assert.deepEqual([queued, running, completed, rest], ['queued', 'running', 'completed', []])
  assert.deepEqual([progress.type, progress.percent, progress.message], ['progress', 10, 'begun'])
  assert.deepEqual([log.type, log.level, log.message, log.attempt], ['log', 'debug', 'hello', 1])
  assert.deepEqual([log.job, log.task, log.at instanceof Date], [job.id, talks.name, true])
  assert.deepEqual(await collect(job.events()), ['completed'])
})

test('the events of an engine are those of all its jobs', async (t) => {
  const engine = await open(t)
  const one = task(unique('one'), () => 1)
  const seen = []
  const events = engine.events()
  const first = events.next()
  const job = await engine.submit(one)
  seen.push((await first).value)
  for await (const event of events) {
    seen.push(event)
    if (event.state === 'completed') break
  }
  assert.deepEqual(
    seen.map((event) => [event.job, event.state]),
    ['queued', 'running', 'completed'].map((state) => [job.id, state]),
  )
})

test('iterators end with their engine', async (t) => {
  const engine = await open(t)
  const all = collect(engine.events())
  const gate = deferred()
  const job = await engine.submit(task(unique('one'), () => gate.promise))
  const own = collect(job.events())
  await reaches(job, 'running')
  gate.resolve()
  await engine.shutdown()
  assert.deepEqual((await own).slice(-2), ['running', 'completed'])
  assert.ok((await all).includes('completed'))
})

test('a listener that is too slow is told how much it missed', async (t) => {
  const engine = await open(t)
  const one = task(unique('one'), () => 1)
  const events = engine.events()
  const first = events.next()
  await engine.submitMany(
    one,
    Array.from({ length: 2_000 }, () => []),
  )
  await engine.drain()
  const kinds = new Set([(await first).value.type])
  for await (const event of events) {
    kinds.add(event.type)
    if (event.type === 'missed') {
      assert.ok(event.missed > 0)
      break
    }
  }
  assert.ok(kinds.has('missed'))
})

test('a job is not a thenable and shows what matters', async (t) => {
  const engine = await open(t)
  const job = await engine.submit(task(unique('one'), () => 1))
  assert.equal('then' in job, false)
  await job.result()
  const { inspect } = await import('node:util')
  assert.equal(inspect(job), `Job { id: '${job.id}', state: 'completed' }`)
})

test('jobs are listed page by page and counted', async (t) => {
  const engine = await open(t)
  const one = task(unique('one'), { priority: 'high' }, (n) => n)
  const other = task(unique('other'), () => 1)
  await engine.submitMany(
    one,
    Array.from({ length: 25 }, (_, n) => [n]),
  )
  await engine.submit(other)
  await engine.drain()
  assert.deepEqual(
    [await engine.count(), await engine.count({ task: one.name }), await engine.count({ state: 'failed' })],
    [26, 25, 0],
  )
  const results = []
  let cursor
  do {
    const page = await engine.jobs({ task: one.name, order: 'oldest', limit: 10, ...(cursor && { cursor }) })
    results.push(...page.map((job) => job.result))
    cursor = page.cursor
  } while (cursor)
  assert.deepEqual(
    results,
    Array.from({ length: 25 }, (_, n) => n),
  )
  assert.equal((await engine.jobs({ priority: 'high', limit: 3, offset: 1 })).length, 3)
  const found = await engine.job((await engine.jobs({ task: other.name }))[0].id)
  assert.equal(await found.result(), 1)
})
