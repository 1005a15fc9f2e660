import assert from 'node:assert/strict'
import { test } from 'node:test'
import { task } from 'bursar'
import { decode, encode } from '../dist/codec.js'
import { open, unique } from './helpers.mjs'

class Point {
  x = 1
}
const cycle = { list: [] }
cycle.list.push({ back: cycle })
let deep = []
for (let level = 0; level < 100_000; level += 1) deep = [deep]

const REFUSED = [
  [undefined, 'undefined', /^argument 0: JSON can't carry undefined/],
  [{ a: [1, undefined] }, 'undefined in an array', /^argument 0\.a\[1\]: JSON can't carry undefined/],
  [new Array(2), 'a hole in an array', /^argument 0\[0\]: JSON can't carry undefined/],
  [{ a: Number.NaN }, 'NaN', /^argument 0\.a: JSON can't carry NaN/],
  [[Number.NEGATIVE_INFINITY], '-Infinity', /^argument 0\[0\]: JSON can't carry -Infinity/],
  [() => 1, 'a function', /^argument 0: JSON can't carry a function/],
  [{ s: Symbol('s') }, 'a symbol', /^argument 0\.s: JSON can't carry a symbol/],
  [{ [Symbol('s')]: 1 }, 'a symbol as key', /^argument 0: JSON can't carry an object with symbols as keys/],
  [new Map([[1, 2]]), 'a Map', /^argument 0: JSON can't carry an instance of Map/],
  [{ seen: new Set() }, 'a Set', /^argument 0\.seen: JSON can't carry an instance of Set/],
  [new Point(), 'an instance', /^argument 0: JSON can't carry an instance of Point/],
  [new Uint8Array(2), 'bytes', /^argument 0: JSON can't carry an instance of Uint8Array/],
  [/x/, 'a regular expression', /^argument 0: JSON can't carry an instance of RegExp/],
  [new Error('x'), 'an error', /^argument 0: JSON can't carry an instance of Error/],
  [cycle, 'a cycle', /^argument 0\.list\[0\]\.back: JSON can't carry a value that contains itself/],
  ['\ud800', 'half a surrogate pair', /^argument 0: JSON can't carry text with half a surrogate pair/],
  [{ '\udc00': 1 }, 'such a key', /half a surrogate pair/],
  [deep, 'too deep a value', /nested more than 500 levels deep/],
]

for (const [value, name, message] of REFUSED) {
  test(`strict refuses ${name} as an argument, naming its path`, async (t) => {
    const engine = await open(t, { strict: true })
    const one = task(unique('one'), () => 1)
    await assert.rejects(engine.submit(one, value, 1), { name: 'BursarError', code: 'Invalid', message })
    assert.equal(await engine.count(), 0)
  })
}

test('what JSON carries arrives as it was', async (t) => {
  const engine = await open(t, { strict: true })
  const echo = task(unique('echo'), (...args) => args)
  const shared = { x: 1 }
  const args = [
    'text \u0000 \u{1f600} "quoted"',
    2 ** 53 + 2,
    1.5e300,
    true,
    null,
    [[], {}],
    { nested: { list: [shared, shared] }, gone: undefined, __proto__: null },
  ]
  const { list } = args[6].nested
  const expected = [...args.slice(0, 6), { nested: { list } }]
  assert.deepEqual(await (await engine.submit(echo, ...args)).result(), expected)
  assert.deepEqual((await engine.jobs())[0].args, expected)
})

// What another language wrote is what stands in the JSON; `decode` is what every value is read with.
const INTEGERS = [
  ['9007199254740991', 9007199254740991],
  ['-9007199254740991', -9007199254740991],
  ['9007199254740992', 2n ** 53n],
  ['9007199254740993', 2n ** 53n + 1n],
  ['-9007199254740993', -(2n ** 53n) - 1n],
  ['9223372036854775807', 2n ** 63n - 1n],
  ['-9223372036854775808', -(2n ** 63n)],
  ['18446744073709551615', 2n ** 64n - 1n],
  ['9007199254740993.0', 9007199254740992],
  ['9.007199254740993e15', 9007199254740992],
  ['0.1234567890123456', 0.1234567890123456],
  ['"9007199254740993"', '9007199254740993'],
  ['"\\"9007199254740993"', '"9007199254740993'],
  ['{"9007199254740993":1}', Object.fromEntries([['9007199254740993', 1]])],
  ['{"ids":[9007199254740993, -1]}', { ids: [2n ** 53n + 1n, -1] }],
]

for (const [text, value] of INTEGERS) {
  test(`${text} is read exactly`, () => assert.deepEqual(decode(text), value))
}

test('integers of 64 bits are written exactly, and numbers stay numbers', () => {
  assert.equal(encode({ id: 2n ** 63n - 1n, small: 1n }, 'it'), '{"id":9223372036854775807,"small":1}')
  assert.equal(encode(2 ** 62, 'it'), '4.611686018427388e+18')
  for (const number of [2 ** 53, -(2 ** 53), 2 ** 62, 1e20, 1e21, Number.MAX_VALUE, -0.1]) {
    assert.equal(decode(encode(number, 'it')), number)
  }
})

test('integers beyond a number pass through a job', async (t) => {
  const engine = await open(t, { strict: true })
  const next = task(unique('next'), (id) => ({ id: id + 1n, text: `${id}` }))
  const job = await engine.submit(next, 2n ** 53n)
  assert.deepEqual(await job.result(), { id: 2n ** 53n + 1n, text: '9007199254740992' })
  assert.deepEqual((await engine.jobs())[0].args, [2n ** 53n])
})

test('toJSON is called once, and what it gives is checked too', async (t) => {
  const engine = await open(t, { strict: true })
  const echo = task(unique('echo'), (value) => value)
  let calls = 0
  const counted = {
    toJSON() {
      calls += 1
      return { at: new Date(0) }
    },
  }
  assert.deepEqual(await (await engine.submit(echo, counted)).result(), { at: '1970-01-01T00:00:00.000Z' })
  assert.equal(calls, 1)
  await assert.rejects(engine.submit(echo, { toJSON: () => /x/ }), {
    message: /can't carry an instance of RegExp/,
  })
})

test('arguments are what they were at submit, however they change after', async (t) => {
  const engine = await open(t, { strict: true })
  const echo = task(unique('echo'), (value) => value)
  const value = { n: 1 }
  const submitted = engine.submit(echo, value)
  value.n = 2
  assert.deepEqual(await (await submitted).result(), { n: 1 })
})

test('trailing arguments that are undefined are left out', async (t) => {
  const engine = await open(t, { strict: true })
  const count = task(unique('count'), (a, b = 'default') => [a, b])
  assert.deepEqual(await (await engine.submit(count, 1, undefined)).result(), [1, 'default'])
})

test('a result that JSON can not carry fails its job, once', async (t) => {
  const engine = await open(t, { strict: true })
  let runs = 0
  const bad = task(unique('bad'), { retries: 3 }, () => {
    runs += 1
    return { when: { map: new Map() } }
  })
  const error = await (await engine.submit(bad)).exception()
  assert.equal(error.code, 'JobFailed')
  assert.match(error.message, /^result\.when\.map: JSON can't carry an instance of Map/)
  assert.equal(runs, 1)
})

test('a result of nothing is null where it is encoded, undefined where it lives', async (t) => {
  const nothing = task(unique('nothing'), () => {})
  for (const strict of [true, false]) {
    const engine = await open(t, { strict })
    assert.equal(await (await engine.submit(nothing)).result(), strict ? null : undefined)
  }
})

test('in memory objects are passed on as they are, and let go when nobody holds them', async (t) => {
  const engine = await open(t, { maxResults: 1 })
  const echo = task(unique('echo'), (value) => value)
  const refs = []
  const through = async () => {
    const value = { symbol: Symbol('s'), call: () => 1 }
    refs.push(new WeakRef(value))
    const result = await (await engine.submit(echo, value)).result()
    assert.equal(result, value)
  }
  for (let round = 0; round < 10; round += 1) await through()
  // The last result may be kept by the store; one more job makes it go.
  await (await engine.submit(echo, 1)).result()
  await (await engine.submit(echo, 2)).result()
  await new Promise(setImmediate)
  globalThis.gc()
  await new Promise(setImmediate)
  globalThis.gc()
  assert.equal(refs.filter((ref) => ref.deref() !== undefined).length, 0)
})

test('numbers of every kind arrive as they are, and small whole ones are kept nowhere', async (t) => {
  const engine = await open(t)
  const echo = task(unique('echo'), async (value) => value)
  const small = [1, 2, 1_000, 2 ** 30 - 1]
  const others = [0, -0, -1, 0.5, -0.5, 2 ** 30, 2 ** 31, 2 ** 32 + 1, -(2 ** 31), Number.NaN, Infinity, 1n]
  for (const [values, kept] of [
    [small, 0],
    [others, others.length],
  ]) {
    const before = engine._runner.values.size
    const jobs = await engine.submitMany(
      echo,
      values.map((value) => [value]),
    )
    const results = await Promise.all(jobs.map((job) => job.result()))
    assert.ok(results.every((result, n) => Object.is(result, values[n])))
    const infos = await Promise.all(jobs.map((job) => job.info()))
    assert.ok(infos.every((info, n) => Object.is(info.result, values[n])))
    await new Promise(setImmediate)
    assert.equal(engine._runner.values.size - before, kept)
  }
})

test('a small whole number that is thrown is the cause, and args stay with a failed job', async (t) => {
  const engine = await open(t)
  const throws = task(unique('throws'), async (value) => {
    throw value
  })
  const job = await engine.submit(throws, 7)
  const error = await job.exception()
  assert.equal(error.cause, 7)
  assert.deepEqual((await job.info()).args, [7])
})

test('what is kept of 60,000 jobs is what the store keeps', async (t) => {
  const engine = await open(t, { maxResults: 100 })
  const echo = task(unique('echo'), async (value) => value)
  const calls = Array.from({ length: 20_000 }, (_, n) => [{ n }])
  for (let round = 0; round < 3; round += 1) {
    const jobs = await engine.submitMany(echo, calls)
    for (const [n, job] of jobs.entries()) assert.equal((await job.result()).n, n)
  }
  await new Promise(setImmediate)
  const kept = engine._runner.values.size
  assert.ok(kept <= 101, `${kept} live objects are kept`)
})
