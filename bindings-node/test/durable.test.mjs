import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Engine, task } from 'bursar'
import { folder, open, run, unique } from './helpers.mjs'

/** Notes what each question is answered with at once, while the loop waits. */
function watchAnswers(t, { _runner: runner }) {
  const known = []
  for (const name of ['ask', 'follow']) {
    const method = Object.getPrototypeOf(runner)[name]
    t.mock.method(runner, name, (question) => {
      const watched = (waiter) => {
        const answer = question(waiter)
        known.push(answer || undefined)
        return answer
      }
      return method.call(runner, watched)
    })
  }
  return known
}

const url = (path, name = 'jobs.db') => `sqlite:${join(path, name)}`

const double = task(unique('durable.double'), async (number) => number * 2)
const breaks = task(unique('durable.breaks'), async (text) => {
  throw new TypeError(text)
})

for (const durability of ['full', 'process']) {
  test(`durable: the next engine reads results and failures (${durability})`, async (t) => {
    const path = folder(t)
    const first = await Engine.open(url(path), { durability })
    const good = await first.submit(double, 21)
    const bad = await first.submit(breaks, 'it broke')
    assert.equal(await good.result(), 42)
    await assert.rejects(bad.result(), /it broke/)
    await first.shutdown()

    const second = await Engine.open(url(path), { durability })
    assert.equal(await (await second.job(good.id)).result(), 42)
    await assert.rejects((await second.job(bad.id)).result(), { name: 'JobFailed' })
    assert.equal(await second.count({ state: 'failed' }), 1)
    await second.shutdown()
  })
}

test('durable: what one submits the next one runs unasked', async (t) => {
  const path = folder(t)
  const client = await Engine.open(url(path), { run: false })
  const job = await client.submit(double, 4)
  await client.shutdown()
  const engine = await Engine.open(url(path))
  await engine.drain()
  assert.equal(await (await engine.job(job.id)).result(), 8)
  await engine.shutdown()
})

test('durable: the loop goes on while a submit waits for the disk', async (t) => {
  const engine = await open(t, { run: false }, url(folder(t)))
  const submits = [engine.submit(double, 1), engine.submitMany(double, [[2], [3]])]
  assert.equal(await Promise.race([...submits, 'first']), 'first')
  const [one, many] = await Promise.all(submits)
  const jobs = await engine.jobs({ order: 'oldest' })
  assert.deepEqual(
    jobs.map((job) => job.id),
    [one, ...many].map((job) => job.id),
  )
})

test('durable: the loop goes on while the store is asked', async (t) => {
  const engine = await open(t, { run: false }, url(folder(t)))
  const job = await engine.submit(double, 1)
  const questions = {
    count: () => engine.count(),
    jobs: () => engine.jobs(),
    stats: () => engine.stats(),
    job: () => engine.job(job.id),
    state: () => job.state(),
    info: () => job.info(),
    logs: () => job.logs(),
    why: () => job.why(),
    retry: () => job.retry(),
    cancel: () => job.cancel(),
    delete: () => job.delete(),
  }
  for (const [name, ask] of Object.entries(questions)) {
    const known = watchAnswers(t, engine)
    await ask().catch(() => {})
    assert.deepEqual(known, [undefined], name)
  }
  assert.equal(await engine.count(), 0)
})

test('durable: a question that nobody awaits keeps the process until it is answered', async (t) => {
  const path = folder(t)
  const ended = await run('durable.mjs', 'asks', url(path), unique('durable.asks'))
  assert.deepEqual([ended.code, ended.output, ended.errors], [0, '1', ''])
})

test('durable: what is asked as the engine is closed is answered, or says that it is closed', async (t) => {
  const engine = await Engine.open(url(folder(t)), { run: false })
  const job = await engine.submit(double, 1)
  const ask = () => [engine.count(), engine.jobs(), engine.job(job.id), job.info(), job.why(), job.cancel()]
  const before = ask()
  const [, answers] = await Promise.all([engine.shutdown(), Promise.allSettled(before)])
  for (const { status, reason } of answers) {
    if (status === 'rejected') assert.equal(reason.code, 'Closed', reason.message)
  }
  for (const { reason } of await Promise.allSettled(ask())) assert.equal(reason?.code, 'Closed')
  await assert.rejects(engine.command(['echo']), { code: 'Closed' })
  await engine.drain()
})

test('durable: a submit under way when the engine is closed is told what became of it', async (t) => {
  const path = folder(t)
  const engine = await Engine.open(url(path), { run: false })
  const under = engine.submit(double, 1)
  await engine.shutdown({ grace: 0 })
  const job = await under
  await assert.rejects(engine.submit(double, 2), { code: 'Closed' })
  const next = await open(t, { run: false }, url(path))
  assert.deepEqual(
    (await next.jobs()).map((found) => found.id),
    [job.id],
  )
})

test('durable: a submit that nobody awaits keeps the process until it is acknowledged', async (t) => {
  const path = folder(t)
  const ended = await run('durable.mjs', 'leave', url(path), unique('durable.leave'))
  assert.equal(ended.code, 0, ended.errors)
  const engine = await open(t, { run: false }, url(path))
  assert.equal(await engine.count({ state: 'queued' }), 1)
})

test('durable: of two submits at once with one key the second is the first', async (t) => {
  const engine = await open(t, { run: false }, url(folder(t)))
  const keyed = double.options({ unique: 'k' })
  const [first, second] = await Promise.all([engine.submit(keyed, 1), engine.submit(keyed, 2)])
  assert.equal(second.id, first.id)
  assert.deepEqual([first.deduplicated, second.deduplicated], [false, true])
})

test('durable: a task that is defined later runs what waited for it', async (t) => {
  const path = folder(t)
  const name = unique('durable.later')
  const ended = await run('durable.mjs', 'submit', url(path), name)
  assert.equal(ended.code, 0, ended.errors)
  const engine = await Engine.open(url(path))
  const job = await engine.job(ended.output)
  const why = await job.why()
  assert.deepEqual([why.state, why.reasons.map((reason) => reason.kind)], ['queued', ['notHere']])
  assert.match(why.text, /can't run it/)
  task(name, (number) => number + 1)
  assert.equal(await job.result(), 2)
  await engine.shutdown()
})

test('durable: a process stays until it has run what was left', { timeout: 60_000 }, async (t) => {
  const path = folder(t)
  const name = unique('durable.left')
  const submitted = await run('durable.mjs', 'submit', url(path), name)
  assert.equal(submitted.code, 0, submitted.errors)
  const ran = await run('durable.mjs', 'work', url(path), name)
  assert.deepEqual([ran.code, ran.output, ran.errors], [0, 'ran 1', ''])
})

test('durable: nothing acknowledged is lost when its process is killed', { timeout: 60_000 }, async (t) => {
  const path = folder(t)
  const killed = await run('durable.mjs', 'killed', url(path), double.name)
  assert.equal(killed.signal, 'SIGKILL', killed.errors)
  const ids = killed.output.split('\n')
  assert.equal(ids.length, 50)
  const engine = await Engine.open(url(path))
  const jobs = await Promise.all(ids.map((id) => engine.job(id)))
  const results = await Promise.all(jobs.map((job) => job.result()))
  assert.deepEqual(
    results,
    ids.map((_, number) => number * 2),
  )
  await engine.shutdown()
})

test('durable: a copy is a store of its own', async (t) => {
  const path = folder(t)
  const engine = await Engine.open(url(path))
  const job = await engine.submit(double, 5)
  assert.equal(await job.result(), 10)
  const copy = join(path, 'copy.db')
  await engine.backup(copy)
  await assert.rejects(engine.backup(copy), { code: 'Conflict', message: /copy\.db/ })
  await engine.shutdown()
  const other = await Engine.open(url(path, 'copy.db'))
  assert.equal(await (await other.job(job.id)).result(), 10)
  await other.shutdown()
  const memory = await Engine.open('memory:')
  await assert.rejects(memory.backup(join(path, 'memory.db')), { code: 'Invalid' })
  await memory.shutdown()
})

test('durable: a drain waits for submits under way', async (t) => {
  const engine = await Engine.open(url(folder(t)))
  const ran = new Set()
  const note = task(unique('durable.note'), { unique: String }, async (number) => ran.add(number) && null)
  const submits = Array.from({ length: 200 }, (_, number) => engine.submit(note, number % 100))
  await engine.drain()
  const jobs = await Promise.all(submits)
  assert.deepEqual(
    jobs.map((job) => job.deduplicated),
    jobs.map((_, number) => number >= 100),
  )
  assert.equal(ran.size, 100)
  await engine.shutdown()
})

test('durable: a submit that the end of the engine overtakes is stored, or says that it is closed', async (t) => {
  const path = folder(t)
  const engine = await Engine.open(url(path), { run: false })
  const submits = Array.from({ length: 50 }, (_, number) => engine.submit(double, number))
  await Promise.all([engine.shutdown(), Promise.allSettled(submits)])
  const ended = await Promise.allSettled(submits)
  const refused = ended.filter(({ status }) => status === 'rejected')
  for (const { reason } of refused) assert.equal(reason.code, 'Closed', reason.message)
  const next = await Engine.open(url(path), { run: false })
  assert.ok((await next.count()) >= ended.length - refused.length)
  await next.shutdown()
})

test('durable: what JSON cannot carry is refused at the submit', async (t) => {
  const engine = await Engine.open(url(folder(t)))
  await assert.rejects(engine.submit(double, new Map()), { code: 'Invalid' })
  assert.equal(await engine.count(), 0)
  await engine.shutdown()
})

test('durable: a URL that means no store says what to write', async (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'notes.txt'), 'hello '.repeat(1_000))
  const wrong = [
    ['sqlite:', /sqlite:jobs\.db/],
    ['sqlite::memory:', /memory:/],
    ['sqlite:jobs.db?mode=ro', /takes none/],
    [`sqlite:${path}`, /a folder/],
    [`sqlite:${path}/no/jobs.db`, /make it/],
    [`sqlite:${path}/notes.txt`, /not an SQLite database/],
  ]
  for (const [given, message] of wrong) {
    await assert.rejects(Engine.open(given), { code: 'Invalid', message })
  }
  await assert.rejects(Engine.open(url(path), { durability: 'perhaps' }), {
    code: 'Invalid',
    message: /perhaps/,
  })
  assert.deepEqual(readdirSync(path), ['notes.txt'])
})
