// Tasks in processes of their own: what they are given, give back, and can say.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inherited } from '../dist/launch.js'
import { open, reaches, run } from './helpers.mjs'
import { onProcesses } from './programs/isolated.mjs'
import * as processes from './programs/processes.mjs'
import { limit, resultOf, scenes } from './scenes.mjs'

scenes('process', onProcesses)

const one = { concurrency: { process: 1 } }

test('processes: one process runs one job after the other', limit, async (t) => {
  await open(t, one)
  const jobs = await processes.calling.submitMany([[], [], [], [], []])
  assert.deepEqual(await Promise.all(jobs.map((job) => job.result())), [1, 2, 3, 4, 5])
})

test('processes: arguments and results of many megabytes come whole', limit, async (t) => {
  await open(t)
  for (const length of [0, 65_535, 65_536, 5_000_000, 20_000_000]) {
    const bytes = Buffer.alloc(length, 1)
    const { value, more } = await resultOf(processes.large.submit(bytes))
    assert.ok(Buffer.compare(value, bytes) === 0)
    assert.deepEqual([more.length, more.at(-1)], [length, length === 0 ? undefined : 7])
    assert.equal((await resultOf(processes.large.submit('ü'.repeat(length)))).value.length, length)
  }
})

test('processes: a process is like the program, in a session of its own', limit, async (t) => {
  process.env.COLOR = 'green'
  t.after(() => delete process.env.COLOR)
  await open(t)
  const job = await processes.about.submit()
  const { session, pid, cmdline, argv, cwd, color } = await job.result()
  assert.equal(session, pid)
  assert.equal(cmdline, `bursar-${job.id.slice(-8)}:processes.about:running`)
  assert.deepEqual([argv[0], argv.slice(2)], [process.execPath, process.argv.slice(2)])
  assert.deepEqual([cwd, color], [process.cwd(), 'green'])
  const found = spawnSync('pgrep', ['-f', '^bursar:idle'], { encoding: 'utf8' })
  assert.ok(found.stdout.split('\n').includes(String(pid)), found.stdout)
})

/** Whether it had the title of one that is to stop, and was told this. */
async function said(job, reason) {
  const [{ message }] = await job.logs()
  const title = `bursar-${job.id.slice(-8)}:processes.stopping:stopping`
  return [message.startsWith(title), message.includes(reason)]
}

test('processes: a job that is asked to stop hears why, and its title says so', limit, async (t) => {
  await open(t, one)
  await resultOf(processes.pid.submit())
  const timeout = processes.stopping.options({ timeout: '500ms' })
  const late = await timeout.submit()
  await late.wait()
  assert.equal((await late.exception()).code, 'JobTimedOut')
  assert.deepEqual(await said(late, 'TimeoutError'), [true, true])
  const job = await processes.stopping.submit()
  await reaches(job, 'running')
  await job.cancel('no longer')
  await job.wait()
  assert.equal((await job.exception()).message, 'no longer')
  assert.deepEqual(await said(job, 'AbortError,no longer'), [true, true])
})

test('processes: what is noted wrongly is refused there', limit, async (t) => {
  await open(t)
  const [[first, percent], [second, large]] = await resultOf(processes.wrongNotes.submit())
  assert.deepEqual([first, second], ['Invalid', 'Invalid'])
  assert.match(percent, /101/)
  assert.match(large, /too large/)
})

test('processes: what they used is in the record', limit, async (t) => {
  await open(t)
  const job = await processes.takes.submit(40)
  await job.result()
  const [{ peakMemory, cpuTime }] = (await job.info()).attempts
  assert.ok(peakMemory > 40e6 && peakMemory < 400e6, `${peakMemory}`)
  assert.ok(cpuTime > 0 && cpuTime < 30, `${cpuTime}`)
})

test('processes: what they write is written by the program', limit, async () => {
  const ended = await run('process_owner.mjs', 'speaks')
  assert.deepEqual(
    [ended.code, ended.output, ended.errors],
    [0, 'from a process', 'from a process, as an error'],
  )
})

test('processes: loaders of the program are theirs', limit, () => {
  const path = (name) => fileURLToPath(new URL(`programs/${name}`, import.meta.url))
  const program = `
    import { Engine } from 'bursar'
    import { loads } from ${JSON.stringify(path('modules/loads.mjs'))}
    await Engine.open('memory:')
    console.log(await (await loads.submit()).result())`
  const options = ['--no-warnings', '--import', path('process_loaded.mjs')]
  const ended = spawnSync(process.execPath, [...options, '--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  })
  assert.deepEqual([ended.stdout.trim(), ended.stderr], [options.join(' '), ''])
})

test('processes: what is only for this program is not for its processes', () => {
  const kept = ['--import', 'tsx', '--max-old-space-size=100', '-r', './a.js', '-C', 'x', '--expose-gc']
  assert.deepEqual(inherited(kept), kept)
  const others = ['--inspect=0', '--inspect-port', '1', '-e', '1 + 1', '-p', '2', '--eval=3', '--input-type']
  const more = ['module', '--test', '--test-reporter', 'spec', '--watch', '--watch-path=a', '-pe', '4', '-i']
  assert.deepEqual(inherited([...others, ...more, '--no-warnings']), ['--no-warnings'])
})
