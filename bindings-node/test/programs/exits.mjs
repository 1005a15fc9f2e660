// Each case ends by itself or is ended by its last line; see lifetime.test.mjs.
import { currentJob, Engine, task } from 'bursar'

const echo = task('echo', async (value) => {
  await null
  return value
})
const sleeps = task('sleeps', (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()))

const cases = {
  /** Nothing was ever submitted. */
  async idle() {
    await Engine.open('memory:')
    console.log('open')
  },
  /** Submitted and never awaited, to the engine of tasks that have none. */
  async forgotten() {
    const late = task('late', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20).unref())
      console.log('ran')
    })
    await late.submit()
    console.log('submitted')
  },
  /** A timer that is not referenced is all that a running job waits for. */
  async running() {
    const job = await sleeps.submit(20)
    await job.result()
    console.log('ran')
  },
  /** Only the engine's own clock knows of a delayed job. */
  async delayed() {
    const job = await echo.options({ delay: '20ms' }).submit('ran')
    console.log(await job.result())
  },
  /** The same for the next attempt of one that failed. */
  async retrying() {
    const flaky = task('flaky', { retries: 1, retryDelay: '20ms', backoff: 'fixed' }, () => {
      if (currentJob().attempt === 1) throw new Error('once')
      console.log('ran')
    })
    await flaky.submit()
  },
  /** Waits that are over hold nothing. */
  async waited() {
    const job = await echo.submit('ran')
    await job.result({ timeout: '1h', signal: new AbortController().signal })
    await job.wait({ timeout: '1h' })
    console.log('ran')
  },
  /** An engine that only submits runs nothing, so its jobs hold nothing. */
  async submitOnly() {
    const engine = await Engine.open('memory:', { run: false })
    await engine.submit(echo, 1)
    console.log('submitted')
  },
  /** But who waits for them is waited for. */
  async submitOnlyAwaited() {
    const engine = await Engine.open('memory:', { run: false })
    const job = await engine.submit(echo, 1)
    await job.wait({ timeout: '20ms' }).catch((error) => console.log(error.code))
  },
  /** A listener to all events holds nothing; one to a job ends with it. */
  async listening() {
    const engine = await Engine.open('memory:')
    engine.events().next()
    const later = echo.options({ delay: '10ms' })
    for await (const event of (await engine.submit(later, 1)).events()) console.log(event.state)
  },
  /** A job that fails and that nobody asks about is no unhandled rejection. */
  async unasked() {
    const bad = task('bad', async () => {
      throw new Error('nobody asks')
    })
    const job = await bad.submit()
    await job.wait()
    console.log(await job.state())
  },
  /** One that somebody asked about and dropped is one, as it is anywhere. */
  async unhandled() {
    const bad = task('bad', async () => {
      throw new Error('somebody asked')
    })
    const job = await bad.submit()
    job.result()
    await job.wait()
  },
  /** A shutdown is waited for, to its end. */
  async shutdown() {
    const engine = await Engine.open('memory:')
    const job = await engine.submit(sleeps, 20)
    for await (const event of job.events()) if (event.state === 'running') break
    await engine.shutdown()
    console.log(await job.state())
  },
  /** What is asked of a closed engine is refused, or done already: nothing of it is waited for. */
  async closed() {
    const engine = await Engine.open('memory:')
    await engine.shutdown()
    await engine.command(['echo']).catch((error) => console.log(error.code))
    await engine.drain()
    await engine.shutdown({ grace: 0 })
    console.log('done')
  },
  /** Several engines, closed and not. */
  async several() {
    const engines = await Promise.all(Array.from({ length: 20 }, () => Engine.open('memory:')))
    const jobs = await Promise.all(engines.map((engine, n) => engine.submit(echo, n)))
    console.log((await Promise.all(jobs.map((job) => job.result()))).join())
    await Promise.all(engines.slice(0, 10).map((engine) => engine.shutdown()))
  },
  /** The program's own exit is obeyed in the midst of it all. */
  async exit() {
    const engine = await Engine.open('memory:')
    await engine.submitMany(
      sleeps,
      Array.from({ length: 1_000 }, () => [1]),
    )
    await echo.options({ delay: '1ms' }).submit(1)
    setImmediate(() => process.exit(7))
  },
  /** An error of the program is its own. */
  async thrown() {
    const engine = await Engine.open('memory:')
    await engine.submit(sleeps, 10_000)
    throw new Error('my own')
  },
}

await cases[process.argv[2]]()
