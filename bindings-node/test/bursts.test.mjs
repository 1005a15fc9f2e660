// Short jobs that follow each other in their processes: whatever one of them does, the others are run.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, open, reaches } from './helpers.mjs'
import { onProcesses } from './programs/isolated.mjs'
import * as processes from './programs/processes.mjs'
import { atRest, limit, resultOf } from './scenes.mjs'

/** The children have run short jobs, and are given others ahead. */
async function warm(children) {
  const jobs = await onProcesses.noop.submitMany(Array(100 * children).fill([]))
  for (const job of jobs) await job.result()
}

/** How the attempts of a job ended, but for those that never began. */
async function outcomes(job) {
  const { attempts } = await job.info()
  return attempts.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'released')
}

async function completeOnce(jobs) {
  for (const job of jobs) {
    await job.result()
    assert.deepEqual(await outcomes(job), ['completed'])
  }
}

/** How many of these had been given to a process that didn't come to them. */
async function givenBack(jobs) {
  const infos = await Promise.all(jobs.map((job) => job.info()))
  const attempts = infos.flatMap((info) => info.attempts)
  return attempts.filter(({ outcome }) => outcome === 'released').length
}

test('bursts: many jobs of one process, each once and in its turn', limit, async (t) => {
  const engine = await open(t, { concurrency: { process: 1 } })
  const jobs = await processes.calling.submitMany(Array(3_000).fill([]))
  const calls = await Promise.all(jobs.map((job) => job.result()))
  assert.deepEqual(
    calls,
    calls.map((_, index) => index + 1),
  )
  await completeOnce(jobs)
  await atRest(engine)
})

test('bursts: on a store on disk', limit, async (t) => {
  const engine = await open(t, { concurrency: { process: 2 } }, `sqlite:${join(folder(t), 'jobs.db')}`)
  const jobs = await onProcesses.echo.submitMany(Array.from({ length: 1_000 }, (_, n) => [n]))
  for (const [index, job] of jobs.entries()) assert.deepEqual(await job.result(), [index])
  await completeOnce(jobs)
  await atRest(engine)
})

test('bursts: nothing waits behind a job that never ends', limit, async (t) => {
  const engine = await open(t, { concurrency: { process: 2 }, grace: '100ms' })
  await warm(2)
  const before = await onProcesses.noop.submitMany(Array(20).fill([]))
  const endless = await onProcesses.spin.submit()
  const after = await onProcesses.noop.submitMany(Array(500).fill([]))
  await completeOnce([...before, ...after])
  assert.equal(await endless.state(), 'running')
  await endless.cancel('enough')
  await endless.wait()
  assert.deepEqual(await outcomes(endless), ['cancelled'])
  await atRest(engine)
})

test('bursts: a job that ends its process, or is ended with it, takes no other with it', limit, async (t) => {
  const engine = await open(t, { memory: '256MB', concurrency: { process: 2 }, grace: '100ms' })
  await warm(2)
  const noops = () => onProcesses.noop.submitMany(Array(100).fill([]))
  const jobs = await noops()
  const bad = []
  for (const [submit, outcome] of [
    [() => processes.aborts.submit(), 'crashed'],
    [() => onProcesses.exits.submit(3), 'crashed'],
    [() => onProcesses.breaks.submit(), 'crashed'],
    [() => onProcesses.throws.submit('class'), 'failed'],
    [() => onProcesses.spin.options({ timeout: '200ms' }).submit(), 'timed_out'],
    [() => processes.takes.submit(3_000), 'memory_exceeded'],
  ]) {
    bad.push([await submit(), outcome])
    jobs.push(...(await noops()))
  }
  await completeOnce(jobs)
  assert.ok((await givenBack(jobs)) > 0, 'no process was given anything ahead')
  for (const [job, outcome] of bad) {
    await job.wait()
    assert.deepEqual(await outcomes(job), [outcome])
  }
  await atRest(engine)
})

test('bursts: a job is cancelled though it waits in a process', limit, async (t) => {
  const engine = await open(t, { concurrency: { process: 1 }, grace: '100ms' })
  await warm(1)
  const jobs = await onProcesses.noop.submitMany(Array(1_000).fill([]))
  const asked = await Promise.all(jobs.map((job, index) => index % 7 === 0 && job.cancel('no longer')))
  const ends = await Promise.all(jobs.map((job) => job.wait().then(() => outcomes(job))))
  for (const [index, end] of ends.entries()) {
    const state = await jobs[index].state()
    assert.equal(state, asked[index] ? 'cancelled' : 'completed')
    assert.ok(end.length === 1 || (end.length === 0 && state === 'cancelled'), `${end}`)
  }
  await atRest(engine)
})

test('bursts: a process is replaced after so many jobs, in a burst too', limit, async (t) => {
  await open(t, { concurrency: { process: 1 }, maxJobsPerChild: 10 })
  const jobs = await processes.pid.submitMany(Array(60).fill([]))
  const pids = new Map()
  for (const job of jobs) {
    const pid = await job.result()
    pids.set(pid, (pids.get(pid) ?? 0) + 1)
  }
  assert.ok(
    [...pids.values()].every((jobs) => jobs <= 10),
    `${[...pids.values()]}`,
  )
})

test('bursts: a paused job stands still, and the others go on elsewhere', limit, async (t) => {
  const engine = await open(t, { concurrency: { process: 2 } })
  await warm(2)
  const path = join(folder(t), 'counted')
  const job = await processes.counts.submit(path)
  const others = await onProcesses.noop.submitMany(Array(200).fill([]))
  await reaches(job, 'running')
  assert.equal(await job.pause(), true)
  await completeOnce(others)
  assert.equal(await job.state(), 'running')
  await job.kill()
  await job.wait()
  await atRest(engine)
  assert.equal(await resultOf(onProcesses.noop.submit()), undefined)
})
