import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './helpers.mjs'

/** What a program does, the code it ends with, what it prints, and what it complains of. */
const PROGRAMS = [
  ['idle', 0, 'open'],
  ['forgotten', 0, 'submitted\nran'],
  ['running', 0, 'ran'],
  ['delayed', 0, 'ran'],
  ['retrying', 0, 'ran'],
  ['waited', 0, 'ran'],
  ['submitOnly', 0, 'submitted'],
  ['submitOnlyAwaited', 0, 'Timeout'],
  ['listening', 0, /^scheduled\n(queued\n)?running\ncompleted$/],
  ['unasked', 0, 'failed'],
  ['unhandled', 1, '', /JobFailed: somebody asked/],
  ['shutdown', 0, 'completed'],
  ['closed', 0, 'Closed\ndone'],
  ['several', 0, Array.from({ length: 20 }, (_, n) => n).join()],
  ['exit', 7, ''],
  ['thrown', 1, '', /Error: my own/],
]

for (const [name, code, output, errors] of PROGRAMS) {
  test(`process: ${name} ends by itself with ${code}`, { timeout: 30_000 }, async () => {
    const ended = await run('exits.mjs', name)
    assert.deepEqual([ended.code, ended.signal], [code, null], ended.errors)
    if (output instanceof RegExp) assert.match(ended.output, output)
    else assert.equal(ended.output, output)
    if (errors) assert.match(ended.errors, errors)
    else assert.equal(ended.errors, '')
  })
}

test('worker threads load the module one after the other', { timeout: 30_000 }, async () => {
  const ended = await run('only_workers.mjs')
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.errors)
  assert.equal(ended.output, '42\n42\n42\n42\n42')
})

test('worker threads load the module, end and are ended', { timeout: 60_000 }, async () => {
  const ended = await run('workers.mjs')
  const sums = Array(4).fill(4_950).join()
  assert.deepEqual(
    [ended.code, ended.signal, ended.output],
    [0, null, [sums, sums, sums, sums, 'main'].join('\n')],
    ended.errors,
  )
})

test('CommonJS can load it', async () => {
  const ended = await run('required.cjs')
  assert.deepEqual([ended.code, ended.output], [0, 'required\ntrue function'], ended.errors)
})

test('an idle engine wakes up less than once a second', { skip: process.platform !== 'linux' }, async () => {
  const seconds = 3
  const { switches } = JSON.parse((await run('idle.mjs', String(seconds))).output)
  assert.ok(switches < seconds, `${switches} wake-ups in ${seconds} s`)
})
