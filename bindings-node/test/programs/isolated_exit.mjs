// Whole programs, tasks and work in one file; each ends by itself. See scenes.mjs beside the tests.
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { Engine, task } from 'bursar'

const [name, executor] = process.argv.slice(2)
const here = { executor, module: import.meta.url }
const isProgram = isMainThread && process.argv[1] === fileURLToPath(import.meta.url)

const double = task('double', here, (n) => [n * 2, isProgram])
const stays = task('stays', here, () => {
  setInterval(() => {}, 1_000)
})

const breaks = task('breaks', here, () => {
  setTimeout(() => {
    throw new Error('left behind')
  }, 10)
})

const cases = {
  /** An engine of its own, left open. */
  async open() {
    const engine = await Engine.open('memory:')
    console.log('main')
    const jobs = await engine.submitMany(double, [[1], [2], [3]])
    console.log((await Promise.all(jobs.map((job) => job.result()))).join())
  },
  /** The engine of tasks that have none. */
  async bare() {
    console.log((await (await double.submit(4)).result()).join())
  },
  /** Nobody waits for it, but it is waited for. */
  async forgotten() {
    const job = await double.submit(5)
    process.on('exit', () => console.log(job.done))
  },
  /** What a job leaves behind in its worker holds nothing. */
  async left() {
    await (await stays.submit()).wait()
    console.log('ended')
  },
  /** An error that no job is to blame for is told, and the program goes on. */
  async warned() {
    const warned = new Promise((resolve) => process.once('warning', resolve))
    await (await breaks.submit()).wait()
    const awake = setTimeout(() => {}, 60_000)
    const { name, message } = await warned
    clearTimeout(awake)
    console.log(name, message)
  },
  async shutdown() {
    const engine = await Engine.open('memory:')
    await engine.submit(double, 1)
    await engine.shutdown()
    console.log(engine.closed)
  },
  async late() {
    const engine = await Engine.open('memory:')
    const late = task('late', here, () => 1)
    console.log((await (await engine.submit(late)).exception()).message)
  },
  async exit() {
    await (await double.submit(1)).wait()
    await double.submit(1)
    process.exit(7)
  },
}

// What runs it, a program or a worker that loads it, makes no difference to the tasks above.
await cases[name]()
