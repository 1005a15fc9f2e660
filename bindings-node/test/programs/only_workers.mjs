// Workers load the module one after the other; the main thread never does. See lifetime.test.mjs.
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

async function inWorker() {
  const { Engine, task } = await import('bursar')
  const engine = await Engine.open('memory:')
  parentPort.postMessage(await (await engine.submit(task('one', () => 1))).result())
  await engine.shutdown()
}

async function inMain() {
  for (let round = 0; round < 4; round += 1) {
    const worker = new Worker(new URL(import.meta.url))
    const exit = new Promise((resolve) => worker.once('exit', resolve))
    console.log(await new Promise((resolve) => worker.once('message', resolve)), await exit)
  }
}

await (isMainThread ? inMain() : inWorker())
