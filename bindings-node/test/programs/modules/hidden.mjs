// A task that is declared on a condition; see threads.test.mjs.
import { isMainThread } from 'node:worker_threads'
import { task } from 'bursar'

const here = { executor: 'thread', module: import.meta.url }

export const hidden = isMainThread ? task('modules.hidden', here, () => 1) : undefined
