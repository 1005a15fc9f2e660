import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Engine, task } from 'bursar'
import { open } from './helpers.mjs'
import { connects, writes } from './programs/modules/sandboxed.mjs'

const only = { skip: process.platform !== 'linux' && 'a sandbox is of Linux' }

async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), 'bursar-sandbox-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

test('a command writes to its folder and to what is named', only, async (t) => {
  const engine = await open(t)
  const [inside, outside] = [await folder(t), await folder(t)]
  const script = `echo x > here; echo x > ${outside}/there || echo denied`
  const options = { cwd: inside, sandbox: 'required' }
  const job = await engine.command(['sh', '-c', script], options)
  assert.equal((await job.result()).stdout, 'denied\n')
  assert.deepEqual([await readdir(inside), await readdir(outside)], [['here'], []])
  const info = await job.info()
  assert.deepEqual(info.sandbox, { level: 'required', write: [], network: false })
  const { landlock, ...parts } = info.attempts[0].sandbox
  assert.ok(landlock >= 6)
  assert.deepEqual(parts, { noNewPrivs: true, seccomp: true })
  const sandbox = { level: 'best_effort', write: [outside] }
  const allowed = await engine.command(['sh', '-c', script], { cwd: inside, sandbox })
  assert.equal((await allowed.result()).stdout, '')
  assert.deepEqual(await readdir(outside), ['there'])
})

test('a command has no network unless it is allowed, and off is off', only, async (t) => {
  const engine = await open(t)
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const script = `exec 3<>/dev/tcp/127.0.0.1/${server.address().port} && echo connected`
  const connect = (sandbox) => engine.command(['bash', '-c', script], { sandbox })
  await assert.rejects((await connect('required')).result(), /Permission denied/)
  for (const sandbox of ['off', null, { level: 'required', network: true }])
    assert.equal((await (await connect(sandbox)).result()).stdout, 'connected\n')
  assert.equal((await (await connect('off')).info()).attempts[0].sandbox ?? null, null)
})

test('node itself runs in a sandbox, and its temporary folder goes with it', only, async (t) => {
  const engine = await open(t, { defaultSandbox: 'required' })
  const script = `
    const { mkdtempSync, writeFileSync } = require('node:fs')
    const { execFileSync } = require('node:child_process')
    const { tmpdir } = require('node:os')
    const path = mkdtempSync(tmpdir() + '/x-')
    writeFileSync(path + '/file', 'x')
    new (require('node:worker_threads').Worker)('', { eval: true })
    console.log(path, execFileSync('cat', [path + '/file']).toString())`
  const job = await engine.command([process.execPath, '-e', script])
  const [path, text] = (await job.result()).stdout.trim().split(' ')
  assert.equal(text, 'x')
  assert.match(path, /bursar-tmp-/)
  assert.ok(!existsSync(path))
})

test('a task in a process of its own is kept to its sandbox too', only, async (t) => {
  await open(t)
  const path = join(await folder(t), 'file')
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  const kept = { sandbox: 'required' }
  const denied = await writes.options(kept).submit(path)
  assert.equal(await denied.result(), 'EACCES')
  assert.ok((await denied.info()).attempts[0].sandbox.landlock >= 6)
  assert.equal(await (await connects.options(kept).submit(port)).result(), 'EACCES')
  const free = { sandbox: { level: 'required', write: [join(path, '..')], network: true } }
  assert.equal(await (await writes.options(free).submit(path)).result(), 'written')
  assert.equal(await (await connects.options(free).submit(port)).result(), 'connected')
  assert.equal(await (await writes.submit(path)).result(), 'written')
})

const wrong = [
  ['requird', /sandbox: unknown level "requird" \(did you mean required\?\)/],
  [true, /sandbox=true: expected "off", "best_effort", "required"/],
  [[], /sandbox=an array/],
  [{ write: ['/tmp'] }, /sandbox names no level/],
  [{ level: 'required', wirte: [] }, /did you mean write/],
  [{ level: 'required', write: ['out'] }, /"out": it is not a whole path/],
  [{ level: 'required', write: [7] }, /sandbox\.write=7: expected a list/],
  [{ level: 'required', write: '/tmp' }, /expected a list of whole paths/],
  [{ level: 'required', network: 'no' }, /sandbox\.network="no"/],
  [{ level: 'required', write: ['/no/such'] }, /"\/no\/such" can't be written to/],
]

test('what is wrong is refused by name', only, async (t) => {
  const engine = await open(t)
  for (const [sandbox, message] of wrong)
    await assert.rejects(async () => engine.command(['true'], { sandbox }), message)
  await assert.rejects(Engine.open('memory:', { defaultSandbox: 'requird' }), /defaultSandbox: unknown level/)
})

test('what shares the process is refused', async (t) => {
  const engine = await open(t)
  const main = task('sandbox.main', { sandbox: 'required' }, () => 1)
  await assert.rejects(
    async () => main.submit(),
    /sandbox=required: executor async can't keep its jobs to one/,
  )
  const other = task(
    'sandbox.thread',
    { executor: 'thread', module: import.meta.url, sandbox: 'best_effort' },
    () => 1,
  )
  await assert.rejects(async () => other.submit(), /sandbox=best_effort: executor thread can't/)
  const plain = task('sandbox.off', { sandbox: 'off' }, () => 1)
  assert.equal(await (await engine.submit(plain)).result(), 1)
})
