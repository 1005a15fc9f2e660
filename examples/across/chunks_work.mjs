// Hashes chunks that others submitted, until all are done: chunks_work.mjs URL
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as rest } from 'node:timers/promises'
import { currentJob, Engine, task } from 'bursar'

const STEPS = 4

task('chunks.hash', async (/** @type {string} */ path) => {
  const content = await readFile(path)
  const hash = createHash('sha256')
  const length = content.length / STEPS
  for (let step = 0; step < STEPS; step += 1) {
    hash.update(content.subarray(step * length, (step + 1) * length))
    await currentJob().progress((100 * (step + 1)) / STEPS)
    // As if each step waited for a network, so that there is something to watch.
    await rest(25)
  }
  return { sha256: hash.digest('hex'), language: 'Node' }
})

const engine = await Engine.open(process.argv[2], { name: 'Node', concurrency: 4 })
for (const { id } of await engine.jobs({ limit: 1_000 })) await (await engine.job(id)).wait()
await engine.shutdown()
