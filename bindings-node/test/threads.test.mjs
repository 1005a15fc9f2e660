import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open, reaches, run } from './helpers.mjs'
import { onThreads as threads } from './programs/isolated.mjs'
import { atRest, failureOf, limit, resultOf, scenes } from './scenes.mjs'

scenes('thread', threads)

test('threads: process.exit() in a job', limit, async (t) => {
  const engine = await open(t, { memory: '512MB', concurrency: { thread: 1 } })
  const jobs = [await threads.exits.submit(3), await threads.exits.submit(0), await threads.where.submit()]
  const [three, zero] = [await jobs[0].exception(), await jobs[1].exception()]
  assert.deepEqual([three.code, three.type, three.exitCode], ['JobCrashed', 'WorkerExit', 3])
  assert.match(three.message, /exit code 3/)
  assert.match(zero.message, /exit code 0/)
  assert.equal(typeof (await jobs[2].result()), 'string')
  await atRest(engine)
})

test('threads: the memory of a job is the limit of its worker', limit, async (t) => {
  const engine = await open(t, { memory: '512MB', defaultMemory: '16MB' })
  const grows = threads.grows.options({ memory: '64MB' })
  assert.equal(await resultOf(grows.submit(20)), 20)
  const error = await failureOf(grows.submit(200))
  assert.equal(error.code, 'MemoryExceeded')
  assert.match(error.message, /limit of 61 MiB/)
  assert.equal(error.info.outcome, 'memory_exceeded')
  assert.equal(await resultOf(threads.grows.options({ memory: '300MB' }).submit(200)), 200)
  assert.equal(await resultOf(threads.grows.options({ memory: 1 }).submit(1)), 1)
  await atRest(engine)
})

test(
  'threads: what jobs leave in a worker is no fault of another: it is replaced in time',
  limit,
  async (t) => {
    const engine = await open(t, { memory: '128MB', concurrency: { thread: 1 } })
    const jobs = await threads.leaks
      .options({ memory: '100MB' })
      .submitMany(Array.from({ length: 60 }, () => [8]))
    for (const job of jobs) {
      await job.result()
      assert.equal((await job.info()).attempt, 1)
    }
    await atRest(engine)
  },
)

test('threads: workers of other limits make room', limit, async (t) => {
  const engine = await open(t, { memory: '1GB', concurrency: { thread: 2 } })
  for (const memory of [20, 30, 40, 50, 60, 20, 30]) {
    const jobs = await threads.busy.options({ memory: `${memory}MB` }).submitMany([[1], [1], [1]])
    for (const job of jobs) assert.equal(typeof (await job.result()), 'string')
  }
  await atRest(engine)
})

test('threads: one slot for jobs of many limits, each after the other', limit, async (t) => {
  const engine = await open(t, { memory: '1GB', concurrency: { thread: 1 } })
  const sizes = Array.from({ length: 12 }, (_, n) => `${20 + 10 * (n % 4)}MB`)
  const jobs = await Promise.all(sizes.map((memory) => threads.noop.options({ memory }).submit()))
  for (const job of jobs) await job.result({ timeout: '9s' })
  await atRest(engine)
})

test('threads: as many jobs at once as the engine allows', limit, async (t) => {
  const engine = await open(t, { concurrency: { thread: 4 } })
  const jobs = await threads.waits.submitMany(Array.from({ length: 5 }, () => []))
  // None of them ends by itself: four run at once or this never goes on.
  await Promise.all(jobs.slice(0, 4).map((job) => reaches(job, 'running')))
  const { jobs: states } = await engine.stats()
  assert.deepEqual([states.running, states.queued], [4, 1])
  for (const job of jobs) await job.cancel()
  await Promise.all(jobs.map((job) => job.wait()))
  await atRest(engine)
})

test('threads: an error that no job is to blame for is told, and the program goes on', limit, async () => {
  const ended = await run('isolated_exit.mjs', 'warned', 'thread')
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.errors)
  assert.match(
    ended.output,
    /^BursarWarning a worker thread was ended by what .* left there: Error: left behind$/,
  )
  assert.match(ended.errors, /left behind/)
})
