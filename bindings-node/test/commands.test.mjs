import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BursarError, Engine, JobFailed, task } from 'bursar'
import { open } from './helpers.mjs'

const only = { skip: process.platform !== 'linux' && 'commands run on Linux' }

test('a command gives what it wrote, and its lines are its log', only, async (t) => {
  const engine = await open(t)
  const job = await engine.command(['sh', '-c', 'echo out; echo err >&2'])
  assert.deepEqual(await job.result(), { code: 0, stdout: 'out\n', stderr: 'err\n', cut: [] })
  const lines = (await job.logs()).map(({ level, message }) => [level, message])
  assert.deepEqual(lines, [
    ['stdout', 'out'],
    ['stderr', 'err'],
  ])
})

test('a command has what it is given, and little else', only, async (t) => {
  process.env.BURSAR_TEST_SECRET = 's3cret'
  const engine = await open(t)
  const script = 'pwd; echo $GREETING-$BURSAR_TEST_SECRET; cat'
  const options = { cwd: new URL('file:///usr'), env: { GREETING: 'hi' }, stdin: Buffer.from('bytes') }
  assert.equal(
    (await (await engine.command(['sh', '-c', script], options)).result()).stdout,
    '/usr\nhi-\nbytes',
  )
  const own = await engine.command(['sh', '-c', 'echo $BURSAR_TEST_SECRET'], {
    env: { BURSAR_TEST_SECRET: null },
  })
  assert.equal((await own.result()).stdout, 's3cret\n')
})

test('how a command ended is told exactly', only, async (t) => {
  const engine = await open(t)
  const failed = await engine.command(['sh', '-c', 'echo why >&2; exit 3'])
  await assert.rejects(failed.result(), (error) => {
    assert.ok(error instanceof JobFailed)
    assert.deepEqual(
      [error.code, error.type, error.exitCode, error.signal],
      ['JobFailed', 'CommandFailed', 3, undefined],
    )
    assert.match(error.message, /ended with exit code 3: why/)
    return true
  })
  assert.equal((await failed.info()).error.exitCode, 3)
  const crashed = await engine.command(['sh', '-c', 'kill -SEGV $$'])
  await assert.rejects(crashed.result(), { code: 'JobCrashed', signal: 'SIGSEGV', exitCode: undefined })
})

test('a timeout and a cancel end a command', only, async (t) => {
  const engine = await open(t, { grace: '100ms' })
  const slow = await engine.command(['sleep', '1000'], { timeout: '100ms' })
  await assert.rejects(slow.result(), { code: 'JobTimedOut' })
  const deaf = await engine.command(['sh', '-c', "trap '' TERM; sleep 1000"])
  await deaf.cancel()
  await assert.rejects(deaf.result(), { code: 'JobCancelled' })
})

const REFUSED = [
  ['ls -l', {}, /"ls -l" is one text/],
  [[], {}, /needs a program/],
  [undefined, {}, /is an array of text/],
  [['no-such-program'], {}, /"no-such-program" in PATH/],
  [['/etc/passwd'], {}, /not executable/],
  [['ls', 'a\0b'], {}, /argument 1 of the command has a NUL/],
  [['ls', 5], {}, /argument 1 of the command must be text/],
  [['ls'], { cwd: '/no/such' }, /\/no\/such/],
  [['ls'], { env: { 'A=B': 'x' } }, /A=B/],
  [['ls'], { stdin: 5 }, /stdin is text or bytes/],
  [['ls'], { memory: '64QB' }, /64QB/],
  [['ls'], { executor: 'async' }, /can't run a program/],
  [['ls'], { nice: 5 }, /nice/],
]

for (const [argv, options, said] of REFUSED) {
  test(`the command ${JSON.stringify(argv)} with ${Object.keys(options)} is refused`, only, async (t) => {
    const engine = await open(t)
    await assert.rejects(engine.command(argv, options), (error) => {
      assert.ok(error instanceof BursarError)
      assert.equal(error.code, 'Invalid')
      assert.match(error.message, said)
      return true
    })
  })
}

test('a client leaves its commands to a worker', only, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-'))
  const url = `sqlite:${join(folder, 'jobs.db')}`
  const client = await Engine.open(url, { run: false })
  const job = await client.command(['sh', '-c', 'echo $0', 'done'])
  const worker = await Engine.open(url)
  assert.deepEqual(await job.result(), { code: 0, stdout: 'done\n', stderr: '', cut: [] })
  await worker.shutdown()
  await client.shutdown()
  await rm(folder, { recursive: true })
})

test('much output is read back whole, and what a failed command wrote', only, async (t) => {
  const engine = await open(t)
  const job = await engine.command(['sh', '-c', 'head -c 11000000 /dev/zero; echo few >&2; exit 1'])
  await assert.rejects(job.result(), { code: 'JobFailed', exitCode: 1 })
  let size = 0
  for await (const piece of await job.openOutput('stdout')) size += piece.length
  assert.equal(size, 11_000_000)
  assert.equal((await (await job.openOutput('stderr')).toArray()).join(''), 'few\n')
  await assert.rejects(job.openOutput('other'), { code: 'NotFound' })
})

test('a command is paused, resumed and killed', only, async (t) => {
  const engine = await open(t, { grace: '1h' })
  const job = await engine.command(['sh', '-c', "trap '' TERM; echo ready; sleep 1000"])
  for await (const event of job.events()) if (event.type === 'log') break
  assert.deepEqual([await job.pause(), await job.pause()], [true, false])
  assert.equal((await job.why()).reasons[0].kind, 'frozen')
  assert.deepEqual([await job.resume(), await job.resume()], [true, false])
  assert.equal(await job.kill(), true)
  await assert.rejects(job.result(), { code: 'JobCancelled' })
})

test('limits are held and told', only, async (t) => {
  const engine = await open(t)
  const none = await engine.command(['sleep', '1000'], { limits: { memory: 0 } })
  await assert.rejects(none.result(), { code: 'MemoryExceeded' })
  const info = await none.info()
  assert.equal(info.limits.memory, 0)
  assert.equal(info.attempts[0].isolation, 'sampling')
  const limits = { cpuTime: '50ms', cpu: null }
  const busy = await engine.command(['sh', '-c', 'while :; do :; done'], { cpu: 0.5, limits })
  await assert.rejects(busy.result(), { code: 'JobFailed', type: 'CpuTimeExceeded' })
  assert.deepEqual((await busy.info()).limits, {
    memory: null,
    cpu: null,
    cpuAction: 'throttle',
    cpuTime: 0.05,
    files: null,
    connections: null,
  })
})

test('who nears a limit is told of', only, async (t) => {
  const engine = await open(t)
  const job = await engine.command(['sleep', '1000'], { limits: { files: 3 } })
  for await (const event of job.events()) {
    if (event.type !== 'limit') continue
    assert.deepEqual([event.resource, event.used, event.limit, event.kind], ['files', 3, 3, 'near'])
    break
  }
  await job.cancel()
})

test('limits that are wrong or cannot be held are refused', only, async (t) => {
  const engine = await open(t)
  const wrong = engine.command(['true'], { limits: { cpu_time: '1s' } })
  await assert.rejects(wrong, { code: 'Invalid', message: /did you mean cpuTime\?/ })
  const inHere = task('limited', { limits: { memory: '1MB' } }, () => {})
  await assert.rejects(engine.submit(inHere), { code: 'Invalid', message: /async can't enforce memory/ })
})
