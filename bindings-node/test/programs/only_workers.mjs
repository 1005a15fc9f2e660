// Only worker threads load the module, one after the other: the first to have it ends before the second comes.
import { Worker } from 'node:worker_threads'

const source = `
  import('bursar').then(async ({ task }) => {
    const job = await task('double', (n) => 2 * n).submit(21)
    console.log(await job.result())
  })
`
for (let round = 0; round < 5; round += 1) {
  const worker = new Worker(source, { eval: true })
  await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
}
