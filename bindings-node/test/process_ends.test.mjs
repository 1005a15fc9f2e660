// Processes that end in the middle of a job, are ended, or are replaced.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Engine } from 'bursar'
import { folder, open } from './helpers.mjs'
import { onProcesses } from './programs/isolated.mjs'
import * as processes from './programs/processes.mjs'
import { atRest, failureOf, limit, resultOf } from './scenes.mjs'

const one = { concurrency: { process: 1 } }

/** Waits for something that nobody tells. */
async function until(condition) {
  for (let round = 0; !condition(); round += 1) {
    assert.ok(round < 6_000, 'it never came about')
    await sleep(5)
  }
}

/** What is written to this file, once it is there. */
async function written(path) {
  await until(() => existsSync(path) && readFileSync(path, 'utf8') !== '')
  return readFileSync(path, 'utf8')
}

function stateOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)[0]
  } catch {
    return 'X'
  }
}

const lives = (pid) => !'XZ'.includes(stateOf(pid))

for (const [how, begin, reason, facts] of [
  ['process.exit(3)', () => onProcesses.exits.submit(3), /ended with exit code 3$/, [3, undefined]],
  ['process.exit(0)', () => onProcesses.exits.submit(0), /ended with exit code 0$/, [0, undefined]],
  ['process.abort()', () => processes.aborts.submit(), /signal 6 \(SIGABRT\)$/, [undefined, 'SIGABRT']],
  ...['SIGSEGV', 'SIGKILL', 'SIGTERM'].map((signal) => [
    signal,
    () => processes.signals.submit(signal),
    new RegExp(`ended with signal \\d+ \\(${signal}\\)$`),
    [undefined, signal],
  ]),
]) {
  test(`processes: one that ends (${how}) is a crash, and all else goes on`, limit, async (t) => {
    const engine = await open(t, { memory: '1GB', concurrency: { process: 2 } })
    const others = await onProcesses.echo.submitMany(Array.from({ length: 10 }, (_, n) => [n]))
    const crashed = await begin()
    const after = await onProcesses.echo.submit('after')
    const error = await crashed.exception()
    assert.deepEqual([error.code, error.type], ['JobCrashed', 'ProcessDied'])
    assert.match(error.message, reason)
    assert.deepEqual([error.exitCode, error.signal], facts)
    assert.deepEqual(
      (await crashed.info()).attempts.map((attempt) => attempt.outcome),
      ['crashed'],
    )
    for (const [n, job] of others.entries()) assert.deepEqual(await job.result(), [n])
    assert.deepEqual(await after.result(), ['after'])
    await atRest(engine)
  })
}

test('processes: a job whose process crashed is tried again', limit, async (t) => {
  await open(t)
  const job = await processes.crashUntil.options({ retries: 5, retryDelay: '1ms' }).submit(3)
  assert.equal(await job.result(), 3)
  assert.deepEqual(
    (await job.info()).attempts.map((attempt) => attempt.outcome),
    ['crashed', 'crashed', 'completed'],
  )
})

test('processes: a runaway has ended when its job has', limit, async (t) => {
  const engine = await open(t, { grace: '50ms' })
  const path = join(folder(t), 'pid')
  const job = await processes.spins.options({ timeout: '1s' }).submit(path)
  const pid = await written(path)
  assert.ok(lives(pid))
  assert.equal((await job.exception()).code, 'JobTimedOut')
  assert.equal(lives(pid), false)
  await atRest(engine)
})

test('processes: a cancelled job has ended with all that it started', limit, async (t) => {
  const engine = await open(t, { grace: '50ms' })
  const path = join(folder(t), 'pids')
  const job = await processes.family.submit(path)
  const pids = (await written(path)).split(' ')
  assert.equal(pids.length, 3)
  assert.ok(pids.every(lives))
  assert.ok(await job.cancel('enough'))
  assert.equal((await job.exception()).message, 'enough')
  assert.deepEqual(pids.filter(lives), [])
  await atRest(engine)
})

test('processes: a kill ends it at once', limit, async (t) => {
  const engine = await open(t, { grace: '1h' })
  const path = join(folder(t), 'pid')
  const job = await processes.spins.submit(path)
  const pid = await written(path)
  assert.equal(await job.kill('now'), true)
  assert.equal((await job.exception()).code, 'JobCancelled')
  assert.equal(lives(pid), false)
  await atRest(engine)
})

test('processes: what a crashed job left running ends with it', limit, async (t) => {
  const engine = await open(t)
  const path = join(folder(t), 'pid')
  const error = await failureOf(processes.leavesFamily.submit(path))
  assert.equal(error.signal, 'SIGKILL')
  assert.equal(lives(await written(path)), false)
  await atRest(engine)
})

test('processes: a job that is cancelled before its process is there never runs', limit, async (t) => {
  await open(t)
  const path = join(folder(t), 'pid')
  const job = await processes.spins.submit(path)
  await job.cancel('never mind')
  assert.equal((await job.exception()).message, 'never mind')
  assert.equal(typeof (await resultOf(processes.pid.submit())), 'number')
  assert.equal(existsSync(path), false)
})

test('processes: a job is held to its memory, which counts from its start on', limit, async (t) => {
  const engine = await open(t, { memory: '1GB', grace: '50ms', ...one })
  for (const memory of ['2MB', '200MB']) {
    assert.equal(await resultOf(onProcesses.noop.options({ memory }).submit()), undefined)
  }
  assert.equal(await resultOf(processes.takes.options({ memory: '200MB' }).submit(20)), 20)
  const job = await processes.takes.options({ memory: '64MB' }).submit(1_500)
  const error = await job.exception()
  assert.equal(error.code, 'MemoryExceeded', error.message)
  assert.match(error.message, /64MB/)
  const [attempt] = (await job.info()).attempts
  assert.equal(attempt.outcome, 'memory_exceeded')
  assert.equal(attempt.isolation, 'sampling')
  assert.ok(attempt.peakMemory > 64e6)
  assert.equal(await resultOf(processes.takes.options({ memory: '64MB' }).submit(1)), 1)
  await atRest(engine)
})

test('processes: one is replaced after so many jobs', limit, async (t) => {
  await open(t, { ...one, maxJobsPerChild: 3 })
  const pids = []
  for (let n = 0; n < 7; n += 1) pids.push(await resultOf(processes.pid.submit()))
  const count = (pid) => pids.filter((other) => other === pid).length
  assert.deepEqual([...new Set(pids)].map(count), [3, 3, 1])
  await until(() => [...new Set(pids)].filter(lives).length === 1)
})

test('processes: one that has grown is replaced', limit, async (t) => {
  await open(t, { ...one, maxMemoryPerChild: '200MB' })
  const small = await resultOf(processes.keeps.submit(1))
  assert.equal(await resultOf(processes.keeps.submit(1)), small)
  assert.equal(await resultOf(processes.keeps.submit(300)), small)
  assert.notEqual(await resultOf(processes.pid.submit()), small)
})

test('processes: wrong numbers are refused', limit, async () => {
  for (const maxJobsPerChild of [0, -1, 'many']) {
    await assert.rejects(Engine.open('memory:', { maxJobsPerChild }), {
      code: 'Invalid',
      message: /maxJobsPerChild/,
    })
  }
  await assert.rejects(Engine.open('memory:', { maxMemoryPerChild: 0 }), /maxMemoryPerChild/)
})

test('processes: a paused job stands still, and the time is not counted', limit, async (t) => {
  await open(t, { grace: '50ms', concurrency: { process: 2 } })
  const path = join(folder(t), 'dots')
  const job = await processes.counts.submit(path)
  await written(path)
  const pid = readFileSync(`${path}.pid`, 'utf8')
  assert.equal(await job.pause(), true)
  await until(() => stateOf(pid) === 'T')
  const { size } = statSync(path)
  assert.equal(await resultOf(processes.calling.submit()), 1)
  assert.equal(statSync(path).size, size)
  assert.equal(await job.resume(), true)
  await until(() => statSync(path).size > size)
  await job.cancel()
  assert.equal((await job.exception()).code, 'JobCancelled')
  assert.equal(lives(pid), false)
})

test('processes: a shutdown ends those that run and those that wait', limit, async (t) => {
  const engine = await Engine.open('memory:', { grace: '50ms', concurrency: { process: 2 } })
  const path = join(folder(t), 'pid')
  const idle = await resultOf(processes.pid.submit())
  const job = await processes.spins.submit(path)
  const pid = await written(path)
  await engine.shutdown({ grace: 0 })
  assert.match((await job.exception()).message, /engine was closed/)
  await until(() => ![idle, pid].some(lives))
})

test('processes: nothing outlives a program that is killed', limit, async (t) => {
  const path = join(folder(t), 'pids')
  const program = fileURLToPath(new URL('programs/process_owner.mjs', import.meta.url))
  const owner = spawn(process.execPath, [program, 'family', path], { stdio: 'ignore' })
  const pids = (await written(path)).split(' ')
  const ended = once(owner, 'exit')
  owner.kill('SIGKILL')
  await ended
  const killed = Date.now()
  await until(() => !pids.some(lives))
  assert.ok(Date.now() - killed < 2_000, `${Date.now() - killed} ms`)
})

test(
  'processes: what a job has started counts and stands still with it, when its parent has ended too',
  limit,
  async (t) => {
    const engine = await open(t, { memory: '1GB', ...one, grace: '100ms' })
    const place = folder(t)
    const path = (name) => join(place, name)
    const large = await processes.abandons.options({ memory: '250MB' }).submit(path('large'), 500)
    const error = await failureOf(large)
    assert.equal(error.code, 'MemoryExceeded')
    await until(() => !lives(Number(readFileSync(path('large'), 'utf8'))))
    const small = await processes.abandons.submit(path('small'), 1)
    const orphan = Number(await written(path('small')))
    assert.equal(await small.pause(), true)
    await until(() => stateOf(orphan) === 'T')
    await small.resume()
    await until(() => stateOf(orphan) !== 'T')
    await small.kill()
    await small.wait()
    await until(() => !lives(orphan))
    await atRest(engine)
  },
)
