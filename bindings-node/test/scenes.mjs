// What jobs do that run elsewhere than on the main loop, on whatever runs them: threads.test.mjs and
// processes.test.mjs play these scenes.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { BursarError, JobFailed, task } from 'bursar'
import { folder, open, reaches, run, unique } from './helpers.mjs'
import { broken } from './programs/modules/broken.mjs'
import { common } from './programs/modules/common.cjs'
import { endless } from './programs/modules/endless.mjs'
import { hidden } from './programs/modules/hidden.mjs'
import { place } from './programs/modules/place.cjs'

export const limit = { timeout: 60_000 }
export const resultOf = async (submitted) => (await submitted).result()
export const failureOf = async (submitted) => (await submitted).exception()

/** Nothing is reserved and nothing runs. */
export async function atRest(engine) {
  await engine.drain()
  const { jobs, budget, concurrency } = await engine.stats()
  const { thread, process } = concurrency
  assert.deepEqual(
    [jobs.running, jobs.queued, budget.memory.reserved, thread.reserved, process.reserved],
    [0, 0, 0, 0, 0],
  )
}

/** Plays the scenes with tasks of the executor `kind`. */
export function scenes(kind, on) {
  test(`${kind}: jobs run elsewhere, a plain call here`, limit, async (t) => {
    const engine = await open(t)
    const here = place()
    assert.equal(on.where(), here)
    assert.notEqual(await resultOf(on.where.submit()), here)
    assert.notEqual(await resultOf(common.options({ executor: kind }).submit()), here)
    await atRest(engine)
  })

  test(`${kind}: arguments and results are what structured clone makes of them`, limit, async (t) => {
    await open(t)
    const own = new Error('an error', { cause: 1 })
    const shared = { once: 1 }
    const calls = [
      [],
      [undefined],
      [1, 'two', null, true, -1.5, 'ü\u{1f600}'],
      [-0, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 70n, '\ud800'],
      [new Map([[{ a: 1 }, new Set([1])]]), new Date(0), /a+/g],
      [new Float64Array([1, 2.5]), new Uint8Array([1, 2, 3]), Buffer.from('bytes')],
      [[shared, shared], own],
      [undefined, 1, undefined],
    ]
    const jobs = await on.echo.submitMany(calls)
    for (const [index, job] of jobs.entries()) assert.deepEqual(await job.result(), calls[index])
    const [[first, second]] = await jobs[6].result()
    assert.equal(first, second)
    assert.ok(Object.is((await jobs[3].result())[0], -0))
    assert.deepEqual((await jobs[4].info()).result, calls[4])
  })

  test(`${kind}: results that are nothing, special, large`, limit, async (t) => {
    await open(t)
    assert.equal(await resultOf(on.give.submit('nothing')), undefined)
    assert.ok(Object.is(await resultOf(on.give.submit('zero')), -0))
    assert.equal(await resultOf(on.give.submit('large')), 2n ** 70n)
    assert.equal((await resultOf(on.give.submit('long'))).length, 200_000)
  })

  test(`${kind}: arguments longer than any room for them`, limit, async (t) => {
    await open(t)
    const lengths = [10, 60_000, 30_000, 100_000, 5, 1_000_000, 65_536, 16_384, 16_385]
    const jobs = await Promise.all(lengths.map((length) => on.echo.submit('x'.repeat(length), length)))
    for (const [index, job] of jobs.entries()) {
      const [text, length] = await job.result()
      assert.deepEqual([text.length, length], [lengths[index], lengths[index]])
    }
    const arrays = await on.echo.submitMany(lengths.map((length) => [new Uint8Array(length).fill(length)]))
    for (const [index, job] of arrays.entries()) {
      const [array] = await job.result()
      assert.deepEqual([array.length, array.at(-1)], [lengths[index], lengths[index] % 256])
    }
  })

  test(`${kind}: what changes after the submit does not change the job`, limit, async (t) => {
    await open(t)
    const list = [1, { deep: [2] }]
    const job = await on.echo.submit(list)
    list[1].deep.push(3)
    list.push(4)
    assert.deepEqual(await job.result(), [[1, { deep: [2] }]])
  })

  test(`${kind}: an argument that no clone can carry is refused at the submit`, limit, async (t) => {
    const engine = await open(t)
    const refused = {
      code: 'Invalid',
      message: /argument 1 can't be sent to another thread or process: .*could not be cloned/,
    }
    await assert.rejects(
      on.echo.submit(1, () => {}),
      refused,
    )
    await assert.rejects(on.echo.submitMany([[1], [2, Symbol('two')]]), refused)
    await assert.rejects(on.echo.options({ unique: 'same' }).submit(1, new WeakMap()), refused)
    await assert.rejects(engine.submit(`${kind}.echo`, 1, { deep: () => {} }), refused)
    assert.equal(await engine.count(), 0)
  })

  test(`${kind}: a result that no clone can carry fails the job`, limit, async (t) => {
    const engine = await open(t, { memory: '256MB' })
    const error = await failureOf(on.give.options({ retries: 3 }).submit('work'))
    assert.equal(error.code, 'JobFailed')
    assert.match(error.message, /^result can't be sent to another thread or process: .*could not be cloned/)
    assert.equal(error.info.attempt, 1)
    await atRest(engine)
  })

  test(`${kind}: what a handler throws`, limit, async (t) => {
    await open(t)
    const odd = await failureOf(on.throws.submit('class'))
    assert.deepEqual([odd.code, odd.type, odd.message], ['JobFailed', 'RangeError', 'out of range'])
    assert.match(odd.traceback, /isolated\.mjs/)
    assert.ok(odd.cause instanceof RangeError)
    assert.equal((await failureOf(on.throws.options({ retries: 2 }).submit('fail'))).info.attempt, 1)
    const cancelled = await failureOf(on.throws.submit('cancel'))
    assert.deepEqual([cancelled.code, cancelled.message], ['JobCancelled', 'not wanted'])
    assert.equal(await resultOf(on.throws.submit('retry')), 3)
    assert.equal((await failureOf(on.throws.submit('function'))).message, 'held a function')
    assert.equal((await failureOf(on.throws.submit('nothing'))).type, 'undefined')
  })

  test(`${kind}: what a job knows of itself, and says`, limit, async (t) => {
    await open(t, { memory: '256MB' })
    const job = await on.facts.options({ memory: '64MB', timeout: '1h' }).submit()
    const facts = await job.result()
    const { id, attempt, task, memory, cancelled, daemon } = facts
    assert.deepEqual(
      { id, attempt, task, memory, cancelled, daemon },
      { id: job.id, attempt: 1, task: `${kind}.facts`, memory: 64_000_000, cancelled: false, daemon: false },
    )
    assert.ok(Math.abs(facts.deadline.getTime() - Date.now() - 3_600_000) < 60_000)
    assert.deepEqual(job.progress, { percent: 50, message: 'half' })
    const [{ level, message }] = await job.logs()
    assert.deepEqual([level, message], ['warning', 'a line'])
    assert.deepEqual(await resultOf(on.resumes.submit()), { reached: 7 })
    assert.deepEqual(await resultOf(on.later.submit(5, 'timer')), ['timer', `${kind}.later`])
  })

  test(`${kind}: nothing more can be said of an attempt that is over`, limit, async (t) => {
    await open(t, { concurrency: { [kind]: 1 } })
    assert.equal(await resultOf(on.stale.submit()), 1)
    assert.equal(await resultOf(on.staleUse.submit()), 'Conflict')
  })

  test(`${kind}: a cancel reaches the signal, and so does the timeout`, limit, async (t) => {
    const engine = await open(t, { memory: '256MB' })
    const job = await on.waits.submit()
    await reaches(job, 'running')
    assert.equal(await job.cancel('not needed'), true)
    const cancelled = await job.exception()
    assert.deepEqual([cancelled.code, cancelled.message], ['JobCancelled', 'not needed'])
    const late = await failureOf(on.waits.options({ timeout: '50ms' }).submit())
    assert.equal(late.code, 'JobTimedOut')
    await atRest(engine)
  })

  for (const runaway of [on.spin, on.spinLater]) {
    test(`${runaway.name}, which never ends, is ended after its grace`, limit, async (t) => {
      const engine = await open(t, { memory: '512MB', grace: '50ms', concurrency: { [kind]: 2 } })
      const stuck = await runaway.options({ timeout: '50ms' }).submit()
      const others = await on.busy.submitMany(Array.from({ length: 20 }, () => [5]))
      const began = Date.now()
      const error = await stuck.exception()
      assert.equal(error.code, 'JobTimedOut')
      assert.match(error.message, /longer than its timeout of 50ms/)
      assert.ok(Date.now() - began < 10_000)
      for (const job of others) assert.equal(typeof (await job.result()), 'string')
      for (const job of others) assert.equal((await job.info()).attempt, 1)
      await atRest(engine)
    })
  }

  test(`${kind}: a runaway that is cancelled ends, and its retry runs in a new worker`, limit, async (t) => {
    const engine = await open(t, { memory: '512MB', grace: '50ms', concurrency: { [kind]: 1 } })
    const job = await on.spin.submit()
    for await (const event of job.events()) if (event.type === 'log') break
    await job.cancel()
    assert.equal((await job.exception()).code, 'JobCancelled')
    const retried = await on.spin.options({ timeout: '50ms', retries: 1, retryDelay: '1ms' }).submit()
    const error = await retried.exception()
    assert.deepEqual([error.code, error.info.attempt], ['JobTimedOut', 2])
    assert.deepEqual(
      error.info.attempts.map((attempt) => attempt.outcome),
      ['timed_out', 'timed_out'],
    )
    assert.equal(typeof (await resultOf(on.where.submit())), 'string')
    await atRest(engine)
  })

  test(`${kind}: errors that nobody catches`, limit, async (t) => {
    const engine = await open(t, { memory: '512MB' })
    for (const [task, message] of [
      [on.breaks, 'in a timer'],
      [on.rejects, 'nobody handles it'],
    ]) {
      const error = await failureOf(task.submit())
      assert.deepEqual([error.code, error.type, error.message], ['JobCrashed', 'RangeError', message])
      assert.match(error.traceback, /isolated\.mjs/)
    }
    const crashed = await failureOf(on.exits.options({ retries: 2, retryDelay: '1ms' }).submit(4))
    assert.deepEqual(
      crashed.info.attempts.map((attempt) => attempt.outcome),
      ['crashed', 'crashed', 'crashed'],
    )
    await atRest(engine)
  })

  for (const how of ['throw', 'exit']) {
    test(`${kind}: what a job left behind (${how}) is not the fault of the next one`, limit, async (t) => {
      const engine = await open(t, { memory: '512MB', concurrency: { [kind]: 1 } })
      await resultOf(on.leaves.submit(how))
      const job = await on.arms.submit()
      assert.equal(await job.result(), 'unharmed')
      const { attempts } = await job.info()
      assert.deepEqual(
        attempts.map((attempt) => attempt.outcome),
        ['released', 'completed'],
      )
      await atRest(engine)
    })
  }

  test(`${kind}: many jobs of all kinds, and each end is its own`, limit, async (t) => {
    const engine = await open(t, { memory: '1GB', grace: '20ms', concurrency: { [kind]: 3 } })
    const seed = Number(process.env.SEED ?? Math.trunc(Math.random() * 2 ** 31))
    t.diagnostic(`SEED=${seed}`)
    let state = seed
    const random = (n) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
      return (state >> 8) % n
    }
    const kinds = [
      () => [on.echo.submit(state), 'completed'],
      () => [on.later.submit(random(5), 1), 'completed'],
      () => [on.busy.submit(random(3)), 'completed'],
      () => [on.throws.submit('class'), 'failed'],
      () => [on.noop.options({ priority: 'low' }).submit(), 'completed'],
    ]
    const rare = [
      () => [on.exits.submit(3), 'crashed'],
      () => [on.breaks.submit(), 'crashed'],
      () => [on.spin.options({ timeout: '20ms' }).submit(), 'timed_out'],
    ]
    const expected = Array.from({ length: 400 }, (_, n) =>
      n % 40 === 0 ? rare[random(3)]() : kinds[random(5)](),
    )
    for (const [submitted, outcome] of expected) {
      const job = await submitted
      await job.wait()
      assert.equal((await job.info()).outcome, outcome, `SEED=${seed}`)
    }
    await atRest(engine)
  })

  test(`${kind}: a module that can not be found or loaded`, limit, async (t) => {
    const engine = await open(t, { memory: '512MB', grace: '50ms' })
    const error = await failureOf(broken.options({ executor: kind, retries: 2 }).submit())
    assert.deepEqual([error.code, error.type, error.info.attempt], ['JobFailed', 'LoadError', 1])
    assert.match(
      error.message,
      /"modules\.broken", file:.*broken\.mjs, could not be loaded.*TypeError: not in a worker/,
    )
    assert.match(error.traceback, /broken\.mjs:5/)
    const missing = await failureOf(hidden.options({ executor: kind }).submit())
    assert.match(
      missing.message,
      /"modules\.hidden" was not declared when file:.*: declare it at the top level/,
    )
    const late = await failureOf(endless.options({ executor: kind, timeout: '100ms' }).submit())
    assert.equal(late.code, 'JobTimedOut')
    assert.equal(typeof (await resultOf(on.where.submit())), 'string')
    await atRest(engine)
  })

  test(`${kind}: what can be known of a module is said at once`, limit, async (t) => {
    await open(t)
    const named = unique('modules.none')
    const declare = (module) => () => task(named, { executor: kind, module }, () => {})
    const says = (message) => (error) => {
      assert.ok(error instanceof BursarError)
      assert.equal(error.code, 'Invalid')
      assert.match(error.message, message)
      return error.message.includes(named)
    }
    assert.throws(declare(undefined), says(/add module: import\.meta\.url/))
    assert.throws(declare(null), says(/add module: import\.meta\.url/))
    assert.throws(declare(1), says(/module=a number: expected a file: URL/))
    assert.throws(declare('relative.mjs'), says(/expected a file: URL/))
    assert.throws(declare('https://example.org/a.mjs'), says(/expected a file: URL/))
    assert.throws(declare('data:text/javascript,1'), says(/expected a file: URL/))
    assert.throws(declare(new URL('none.mjs', import.meta.url)), says(/there is no such file/))
    assert.throws(declare(import.meta.dirname), says(/there is no such file/))
    assert.throws(
      declare(pathToFileURL(join(process.cwd(), '[eval1]')).href),
      says(/put the task into a file/),
    )
    const plain = task(unique('modules.plain'), () => {})
    assert.throws(() => plain.options({ executor: kind }), { code: 'Invalid', message: /add module/ })
  })

  test(`${kind}: an engine is not to be had in a worker`, limit, async (t) => {
    await open(t)
    for (const task of [on.opens, on.submits]) {
      const error = await failureOf(task.submit())
      assert.deepEqual([error.code, error.type], ['JobFailed', 'BursarError'])
      assert.match(error.message, /there is no engine in a worker/)
    }
  })

  test(`${kind}: on a store on disk, and where all is encoded, JSON carries it`, limit, async (t) => {
    for (const [url, options] of [
      [`sqlite:${join(folder(t), 'jobs.db')}`, {}],
      ['memory:', { strict: true }],
    ]) {
      const engine = await open(t, options, url)
      assert.deepEqual(await resultOf(engine.submit(on.echo, 1, { a: [true, null] })), [
        1,
        { a: [true, null] },
      ])
      assert.equal(await resultOf(engine.submit(on.give, 'nothing')), null)
      assert.deepEqual(await resultOf(engine.submit(on.resumes)), { reached: 7 })
      await assert.rejects(engine.submit(on.echo, new Map()), {
        code: 'Invalid',
        message: /JSON can't carry/,
      })
      const error = await failureOf(engine.submit(on.give, 'work'))
      assert.match(error.message, /JSON can't carry a function/)
      assert.ok((await failureOf(engine.submit(on.throws, 'class'))) instanceof JobFailed)
      await atRest(engine)
      await engine.shutdown()
    }
  })

  test(`${kind}: one job for one key, with the arguments of the first`, limit, async (t) => {
    await open(t)
    const keyed = on.later.options({ unique: 'one', delay: '20ms' })
    const [first, second] = [await keyed.submit(1, 'first'), await keyed.submit(1, 'second')]
    assert.deepEqual([second.deduplicated, first.id], [true, second.id])
    assert.equal((await second.result())[0], 'first')
  })

  test(`${kind}: a shutdown stops what runs, and what does not stop is ended`, limit, async (t) => {
    const engine = await open(t, { grace: '50ms' })
    const stuck = await on.spin.submit()
    const waits = await on.waits.submit()
    for (const job of [stuck, waits]) await reaches(job, 'running')
    await engine.shutdown({ grace: 0 })
    for (const job of [stuck, waits]) assert.match((await job.exception()).message, /engine was closed/)
  })

  for (const [name, code, output] of [
    ['open', 0, 'main\n2,false,4,false,6,false'],
    ['bare', 0, '8,false'],
    ['forgotten', 0, 'true'],
    ['left', 0, 'ended'],
    ['shutdown', 0, 'true'],
    ['late', 0, /"late" was not declared .* up to the line that opens an engine.*declare it above that/],
    ['exit', 7, ''],
  ]) {
    test(`${kind}: a program in one file (${name}) ends by itself with ${code}`, limit, async () => {
      const ended = await run('isolated_exit.mjs', name, kind)
      assert.deepEqual([ended.code, ended.signal], [code, null], ended.errors)
      assert.equal(ended.errors, '')
      if (output instanceof RegExp) assert.match(ended.output, output)
      else assert.equal(ended.output, output)
    })
  }
}
