// Worker threads that each load the module: some end by themselves, some are ended.
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Engine, task } from 'bursar'

const echo = task('echo', async (value) => value)
const never = task('never', { timeout: '1h' }, () => new Promise(() => {}))

async function inWorker() {
  const engine = await Engine.open('memory:')
  const jobs = await engine.submitMany(
    echo,
    Array.from({ length: 100 }, (_, n) => [n]),
  )
  const results = await Promise.all(jobs.map((job) => job.result()))
  if (workerData.stays) {
    await engine.submit(never)
    // Its thread is busy with time when the worker goes.
    await engine.submitMany(
      echo.options({ delay: '1ms' }),
      Array.from({ length: 100 }, (_, n) => [n]),
    )
  }
  parentPort.postMessage(results.reduce((a, b) => a + b))
}

async function inMain() {
  const path = fileURLToPath(import.meta.url)
  for (let round = 0; round < 4; round += 1) {
    const ends = [false, true, false, true].map(async (stays) => {
      const worker = new Worker(path, { workerData: { stays } })
      const exit = new Promise((resolve) => worker.once('exit', resolve))
      const sum = await new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
      if (stays) await worker.terminate()
      await exit
      return sum
    })
    console.log((await Promise.all(ends)).join())
  }
  console.log(await (await echo.submit('main')).result())
}

await (isMainThread ? inMain() : inWorker())
