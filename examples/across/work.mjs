// Runs the jobs for Node that are left in the file: work.mjs URL
import { Engine, task } from 'bursar'

// An integer beyond 2^53 - 1 comes as a bigint, and goes back as an integer.
task('across.node', (/** @type {number | bigint} */ number) => ({ number, text: String(number) }))

const engine = await Engine.open(process.argv[2])
// Only what it has a task for: the jobs of the others wait on.
for (;;) {
  const left = await engine.count({ task: 'across.node', state: ['queued', 'running'] })
  if (left === 0) break
  await new Promise((resolve) => setTimeout(resolve, 10))
}
console.log(`ran ${await engine.count({ task: 'across.node', state: 'completed' })} jobs in Node`)
await engine.shutdown()
