// Tasks for worker threads; see threads.test.mjs.
import { currentJob, task } from 'bursar'

const here = { executor: 'thread', module: import.meta.url }

export const add = task('threads.add', here, (a, b) => a + b)
export const later = task('threads.later', here, async (ms, value) => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return value
})
export const noop = task('threads.noop', here, () => {})
export const spin = task('threads.spin', here, () => {
  while (true);
})
export const fails = task('threads.fails', here, () => {
  throw new RangeError('out of range')
})
export const facts = task('threads.facts', here, () => {
  const { id, attempt, task, memory, deadline } = currentJob()
  return { id, attempt, task, memory, deadline }
})
