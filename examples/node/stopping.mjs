// Cancel what waits and what runs, time out, clean up.
import { setImmediate, setTimeout } from 'node:timers/promises'
import { currentJob, Engine, JobFailed, TimeoutError, task } from 'bursar'

const DAY = 24 * 60 * 60 * 1_000

// Sits there until it is stopped: whatever takes a signal ends at once.
const guard = task('guard', async () => {
  try {
    currentJob().progress(0)
    await setTimeout(DAY, undefined, { signal: currentJob().signal })
  } finally {
    console.log('guard: the door is closed')
  }
})

// What takes no signal looks now and then whether it should stop.
const count = task('count', async () => {
  try {
    currentJob().progress(0)
    while (true) {
      currentJob().raiseIfCancelled()
      await setImmediate()
    }
  } finally {
    console.log('count: the door is closed')
  }
})

/**
 * Waits until its code runs: until it says how far it is.
 *
 * @template T
 * @param {import('bursar').Job<T>} job
 */
async function started(job) {
  const events = job.events()
  if (job.progress) return job
  for await (const event of events) {
    if (event.type === 'progress') return job
  }
  return job
}

/**
 * @param {string} name
 * @param {import('bursar').Job<unknown>} job
 * @param {import('bursar').WaitOptions} [options]
 */
async function say(name, job, options) {
  try {
    await job.result(options)
    console.log(`${name}: done`)
  } catch (error) {
    if (error instanceof TimeoutError) console.log(`${name}: still at it`)
    else if (error instanceof JobFailed) console.log(`${name}: ${error.info?.outcome}: ${error.message}`)
    else throw error
  }
}

const engine = await Engine.open('memory:')

const later = await guard.options({ delay: '1h' }).submit()
await later.cancel('nobody needs it')
await say('later', later)

let job = await started(await guard.submit())
await say('guard', job, { timeout: '20ms' })
await job.cancel('the night is over')
await say('guard', job)

job = await started(await count.submit())
await job.cancel('enough')
await say('count', job)

await say('guard', await guard.options({ timeout: '500ms' }).submit())
await engine.shutdown()
