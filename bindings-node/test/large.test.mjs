import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { json, text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Engine, Spilled, task } from 'bursar'
import { folder, open, run, unique } from './helpers.mjs'

const LARGE = 11_000_000
const of = (count) => 'bursar '.repeat(count / 7 + 1).slice(0, count)
const letters = task(unique('large.letters'), async (count) => of(count))
const breaks = task(unique('large.breaks'), async () => {
  throw new TypeError('it broke')
})

const url = (path) => `sqlite:${join(path, 'jobs.db')}`

function onlyFile(path) {
  const outputs = join(path, 'jobs.db-outputs')
  const files = readdirSync(outputs).filter((name) => name !== '.lock')
  assert.equal(files.length, 1)
  return join(outputs, files[0])
}

test('large: a result is told by its file and read back', async (t) => {
  const path = folder(t)
  const written = JSON.stringify(of(LARGE))
  const first = await Engine.open(url(path))
  const job = await first.submit(letters, LARGE)
  assert.equal(await job.result(), of(LARGE))
  assert.equal(await job.result(), of(LARGE))
  const { result } = await job.info()
  assert.ok(result instanceof Spilled)
  const sha256 = createHash('sha256').update(written).digest('hex')
  assert.deepEqual({ ...result }, { size: LARGE + 2, sha256, preview: written.slice(0, 1_024) })
  const file = onlyFile(path)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(path, 'jobs.db-outputs')).mode & 0o777, 0o700)
  await first.shutdown()
  assert.equal(await job.result(), of(LARGE), 'a handle reads on')

  const second = await open(t, {}, url(path))
  const again = await second.job(job.id)
  assert.equal(await again.wait(), 'completed')
  assert.equal(await again.result(), of(LARGE))
  const jobs = await second.jobs()
  assert.deepEqual(
    jobs.map((info) => info.result),
    [result],
  )
  await again.delete()
  for (const read of [() => job.result(), () => job.openResult(), () => again.result()]) {
    await assert.rejects(read, { name: 'BursarError', code: 'NotFound', message: /jobs\.db-outputs/ })
  }
})

test('large: a result is a stream of JSON', async (t) => {
  const engine = await open(t, {}, url(folder(t)))
  const job = await engine.submit(letters, LARGE)
  const stream = await job.openResult({ timeout: '30s' })
  assert.ok(stream instanceof Readable)
  const hash = createHash('sha256')
  for await (const piece of stream) hash.update(piece)
  assert.equal(hash.digest('hex'), (await job.info()).result.sha256)
  assert.equal(await json(await job.openResult()), of(LARGE))
  const left = await job.openResult()
  left.destroy()
  await assert.rejects((await engine.submit(breaks)).openResult(), { name: 'JobFailed', message: 'it broke' })
  const small = await engine.submit(letters, 5)
  assert.equal(await text(await small.openResult()), '"bursa"')
})

test('large: results in memory are files too, where they are encoded', async (t) => {
  for (const strict of [false, true]) {
    const engine = await open(t, { strict })
    for (const count of [0, 5, LARGE]) {
      const job = await engine.submit(letters, count)
      assert.equal(await json(await job.openResult()), of(count))
      assert.equal(await job.result(), of(count))
      const { result } = await job.info()
      assert.equal(result instanceof Spilled, strict && count === LARGE)
    }
  }
})

test('large: a damaged file is told and named', async (t) => {
  const path = folder(t)
  const engine = await open(t, {}, url(path))
  const job = await engine.submit(letters, LARGE)
  await job.wait()
  const file = onlyFile(path)
  const whole = readFileSync(file)
  const changed = Buffer.from(whole)
  changed[500] ^= 1
  writeFileSync(file, changed)
  await assert.rejects(job.result(), { code: 'Unavailable', message: /checksum/ })
  await assert.rejects(text(await job.openResult()), { code: 'Unavailable', message: /jobs\.db-outputs/ })
  writeFileSync(file, whole.subarray(1))
  await assert.rejects(job.openResult(), { code: 'Unavailable', message: /damaged/ })
  unlinkSync(file)
  await assert.rejects(job.result(), { code: 'NotFound' })
})

test('large: a copy has the files', async (t) => {
  const path = folder(t)
  const engine = await open(t, {}, url(path))
  const job = await engine.submit(letters, LARGE)
  await job.wait()
  await engine.backup(join(path, 'copy.db'))
  await job.delete()
  const copied = await open(t, {}, `sqlite:${join(path, 'copy.db')}`)
  assert.equal(await (await copied.job(job.id)).result(), of(LARGE))
})

const streams = process.platform === 'linux'
test('large: a result is streamed in flat memory', { skip: !streams }, async (t) => {
  const path = folder(t)
  const engine = await Engine.open(url(path))
  const much = task(unique('large.much'), async (count) => 'x'.repeat(count))
  const job = await engine.submit(much, 200_000_000)
  await job.wait()
  await engine.shutdown()
  const { output, errors } = await run('streams.mjs', url(path), job.id)
  const [size, kilobytes] = output.split(' ').map(Number)
  assert.equal(errors, '')
  assert.equal(size, 200_000_002)
  // Pieces that were read are garbage until it is collected.
  assert.ok(kilobytes < 100_000, `${kilobytes} kB more than before`)
})
